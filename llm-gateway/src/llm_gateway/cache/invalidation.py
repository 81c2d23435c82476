"""What is to be forgotten, on both levels and in every replica."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from service_kit.store.errors import StoreAway

from llm_gateway.cache.kept import EVERYTHING, Selector
from llm_gateway.cache.memory import MemoryCache

if TYPE_CHECKING:  # its client is large: it is loaded only if used
    from llm_gateway.cache.redis import RedisCache

FOLLOW_SECONDS = 0.25
"""How often a replica asks what the others have removed."""
_MOST_PENDING = 1000


class Invalidation:
    """Removes entries here at once, and in the other replicas within about `FOLLOW_SECONDS`.

    Replicas read a stream of announcements from where they were. An entry leaves the shared level before that is
    announced: a replica that removed its own first could fetch it again. While the store is away, what was removed
    here is removed there as soon as it is back.
    """

    def __init__(self, memory: MemoryCache, shared: RedisCache) -> None:
        self._memory = memory
        self._shared = shared
        self._pending: deque[Selector] = deque()
        self._seen: str | None = None
        self._telling = asyncio.Lock()

    async def remove(self, selector: Selector) -> int:
        """Removes what is meant, and returns how many entries that were, as far as the store could say."""
        here = self._memory.remove(selector)
        if len(self._pending) >= _MOST_PENDING:
            self._pending.clear()
            selector = EVERYTHING
        self._pending.append(selector)
        return max(here, await self._tell())

    async def _tell(self) -> int:
        """Carries out what is pending on the shared level. Returns how many entries were removed."""
        removed = 0
        async with self._telling:
            while self._pending:
                selector = self._pending[0]
                there = await self._shared.remove(selector)
                if isinstance(there, StoreAway) or await self._shared.announce(selector) is None:
                    break
                removed += there
                if self._pending[0] is selector:  # else too many were waiting, and all is removed in their place
                    self._pending.popleft()
        return removed

    async def follow(self) -> None:
        """Removes here what other replicas have removed since the last time. Run by one supervised loop."""
        await self._tell()
        if self._seen is None:
            await self._begin()
            return
        announced = await self._shared.announced(self._seen)
        if announced is None:
            return
        if not announced or announced[0][0] != self._seen:  # the server lost its memory, and what was announced with it
            await self._begin()
            return
        for id_, selector in announced[1:]:
            self._memory.remove(selector)
            self._seen = id_

    async def _begin(self) -> None:
        """Takes a place in the stream: that of an announcement of our own, which selects nothing. What is held by then
        may have been removed by an announcement before."""
        self._seen = await self._shared.announce(Selector(key=b""))
        if self._seen is not None:
            self._memory.remove(EVERYTHING)
