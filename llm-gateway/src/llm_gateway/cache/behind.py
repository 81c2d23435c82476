"""Entries written behind their answers, only so many at a time."""

from __future__ import annotations

from llm_gateway.cache import Cache, Labels

_MOST_AT_ONCE = 256


class WriteBehind:
    """Writes entries to `cache`, in the task of their call. An entry beyond `most_at_once` pending writes is dropped: a
    slow cache must not hold memory. The cache itself limits the time of a write."""

    def __init__(self, cache: Cache, most_at_once: int = _MOST_AT_ONCE) -> None:
        self._cache = cache
        self._most = most_at_once
        self._writing = 0
        self.given_up = 0

    async def put(self, key: bytes, entry: bytes, labels: Labels) -> None:
        """Writes one entry; returns when that is done or given up."""
        if self._writing >= self._most:
            self.given_up += 1
            return
        self._writing += 1
        try:
            await self._cache.put(key, entry, labels)
        finally:
            self._writing -= 1
