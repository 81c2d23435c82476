"""The first level: answers in this process, bounded in number, in bytes and in time."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from cachetools import TTLCache

from llm_gateway.cache import Entry
from llm_gateway.pricing import Cost
from llm_gateway.types import Result, Usage


class MemoryCache:
    """Least recently used goes first. `ttl` is in seconds of `clock`."""

    def __init__(
        self, *, max_entries: int, max_bytes: int, ttl: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_entry_bytes = max_bytes // 8
        self._entries: TTLCache[bytes, tuple[Entry, int]] = TTLCache(
            max_bytes, ttl, timer=clock, getsizeof=lambda item: item[1]
        )

    async def get(self, key: bytes, max_age: float | None = None) -> Entry | None:
        found = self._entries.get(key)
        if found is None:
            return None
        entry = found[0]
        if max_age is not None and self._clock() - entry.stored_at > max_age:
            return None
        return entry

    async def put(self, key: bytes, result: Result, usage: Usage, cost: Cost) -> None:
        size = len(msgspec.json.encode(result)) + 512
        if size > self._max_entry_bytes:
            return
        while len(self._entries) >= self._max_entries and key not in self._entries:
            self._entries.popitem()
        self._entries[key] = (Entry(result, usage, cost, self._clock()), size)

    async def clear(self) -> int:
        cleared = len(self._entries)
        self._entries.clear()
        return cleared

    def size(self) -> int:
        return len(self._entries)
