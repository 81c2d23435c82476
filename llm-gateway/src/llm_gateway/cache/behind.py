"""Entries written behind their answers, so many at a time and no longer than a moment each."""

from __future__ import annotations

import asyncio

from service_kit.logs import get_logger

from llm_gateway.cache import Cache

_log = get_logger(__name__)

_MOST_AT_ONCE = 256
_LONGEST_SECONDS = 5.0


class WriteBehind:
    """Writes entries to `cache`. One that finds too many others on their way is not kept, which costs nobody an
    answer: a slow cache must not hold memory."""

    def __init__(self, cache: Cache, most_at_once: int = _MOST_AT_ONCE, longest: float = _LONGEST_SECONDS) -> None:
        self._cache = cache
        self._most = most_at_once
        self._longest = longest
        self._writing = 0
        self.given_up = 0

    async def put(self, key: bytes, entry: bytes) -> None:
        """Writes one entry; returns when that is done or given up."""
        if self._writing >= self._most:
            self.given_up += 1
            return
        self._writing += 1
        try:
            async with asyncio.timeout(self._longest):
                await self._cache.put(key, entry)
        except TimeoutError:
            self.given_up += 1
            _log.warning("an answer was not kept: the cache is too slow", given_up=self.given_up)
        finally:
            self._writing -= 1
