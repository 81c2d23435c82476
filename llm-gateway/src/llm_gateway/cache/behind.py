"""Entries written behind their answers, only so many at a time."""

from __future__ import annotations

from llm_gateway.cache import Cache

_MOST_AT_ONCE = 256


class WriteBehind:
    """Writes entries to `cache`, in the task of the call that they are of. One that finds too many others on their way
    is not kept: a slow cache must not hold memory. How long a write may last is the cache's own to limit."""

    def __init__(self, cache: Cache, most_at_once: int = _MOST_AT_ONCE) -> None:
        self._cache = cache
        self._most = most_at_once
        self._writing = 0
        self.given_up = 0

    async def put(self, key: bytes, entry: bytes) -> None:
        """Writes one entry; returns when that is done or given up."""
        if self._writing >= self._most:
            self.given_up += 1
            return
        self._writing += 1
        try:
            await self._cache.put(key, entry)
        finally:
            self._writing -= 1
