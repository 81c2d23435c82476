"""Answers kept: a protocol and its implementations, the key, and an entry as bytes."""

from __future__ import annotations

from typing import Protocol


class Cache(Protocol):
    """Stores entries as bytes, for a limited time. No method raises: a cache that cannot be reached misses."""

    async def get(self, key: bytes, max_age: float | None = None) -> bytes | None:
        """Returns the entry under `key`, if it is not older than `max_age` seconds."""
        ...

    async def put(self, key: bytes, entry: bytes) -> None:
        """Stores `entry` under `key`."""
        ...

    async def clear(self) -> int:
        """Removes all entries, and returns their number."""
        ...

    def size(self) -> int:
        """Returns the number of entries."""
        ...
