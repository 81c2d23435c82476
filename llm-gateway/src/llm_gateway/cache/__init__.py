"""Answers kept: a protocol and its implementations, the key, and an entry as bytes."""

from __future__ import annotations

from typing import Protocol


class Cache(Protocol):
    """Keeps entries for a while, as bytes. No method raises: a cache that is away is a cache that misses."""

    async def get(self, key: bytes, max_age: float | None = None) -> bytes | None:
        """The entry under `key`, if it is not older than `max_age` seconds."""
        ...

    async def put(self, key: bytes, entry: bytes) -> None:
        """Keeps `entry` in place of what was under `key`."""
        ...

    async def clear(self) -> int:
        """Forgets all entries, and tells how many those were."""
        ...

    def size(self) -> int:
        """How many entries there are."""
        ...
