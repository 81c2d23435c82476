"""Answers kept: a protocol and its implementations, the key, and an entry as bytes."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Labels(msgspec.Struct, frozen=True, gc=False):
    """What an entry is found by, beside its key: the catalog's name of its model, and the digest of its prompt (see
    `cache.key.prompt_digest`), or None if it has no words."""

    model: str
    prompt: bytes | None = None


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are meant: those that have everything that is set here, all of them if nothing is."""

    key: bytes | None = None
    model: str | None = None
    prompt: bytes | None = None

    def takes(self, key: bytes, labels: Labels) -> bool:
        """Returns whether an entry is among those that are meant."""
        return (
            (self.key is None or self.key == key)
            and (self.model is None or self.model == labels.model)
            and (self.prompt is None or self.prompt == labels.prompt)
        )


EVERY_ENTRY = Selection()


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a level of the cache holds now, in `bytes` too, and what it has done since the start."""

    hits: int
    misses: int
    entries: int
    bytes: int
    invalidated: int


class Cache(Protocol):
    """Stores entries as bytes, for a limited time. No method raises: a cache that cannot be reached misses."""

    async def get(self, key: bytes, max_age: float | None = None) -> bytes | None:
        """Returns the entry under `key`, if it is not older than `max_age` seconds."""
        ...

    async def put(self, key: bytes, entry: bytes, labels: Labels) -> None:
        """Stores `entry` under `key`."""
        ...

    async def invalidate(self, selection: Selection) -> int:
        """Removes the entries that are meant, and returns their number."""
        ...

    async def clear(self) -> int:
        """Removes all entries, and returns their number."""
        ...

    def stats(self) -> CacheStats:
        """Returns the figures of this level."""
        ...

    def size(self) -> int:
        """Returns the number of entries."""
        ...
