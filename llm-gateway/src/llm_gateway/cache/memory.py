"""The first level: answers in this process, bounded in number, in bytes and in time."""

from __future__ import annotations

import time
from array import array
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from llm_gateway.cache import Entry
from llm_gateway.canonical import EmbeddingResult, Result, Usage
from llm_gateway.catalog.pricing import Cost

_ENTRY_OVERHEAD_BYTES = 512
_FLOAT_BYTES = 32
"""A number of Python's, and the pointer to it."""

_encode = msgspec.json.Encoder().encode


class MemoryCache:
    """Least recently used goes first. `ttl` is in seconds of `clock`.

    Written by hand because it is on the hot path: cachetools' TTLCache costs 28 µs a miss and its insertion, this 4.
    An entry that has expired leaves when it is looked up, counted or pushed out; until then the bounds hold it.
    """

    def __init__(
        self, *, max_entries: int, max_bytes: int, ttl: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._ttl = ttl
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[bytes, tuple[Entry, int]] = OrderedDict()

    async def get(self, key: bytes, max_age: float | None = None) -> Entry | None:
        found = self._entries.get(key)
        if found is None:
            return None
        entry = found[0]
        age = self._clock() - entry.stored_at
        if age >= self._ttl:
            self._drop(key)
            return None
        if max_age is not None and age > max_age:
            return None
        self._entries.move_to_end(key)
        return entry

    async def put(self, key: bytes, result: Result | EmbeddingResult, usage: Usage, cost: Cost) -> None:
        size = _size(result) + _ENTRY_OVERHEAD_BYTES
        if size > self._max_bytes // 8:
            return
        if key in self._entries:
            self._drop(key)
        self._entries[key] = (Entry(result, usage, cost, self._clock()), size)
        self._bytes += size
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._bytes -= self._entries.popitem(last=False)[1][1]

    def _drop(self, key: bytes) -> None:
        self._bytes -= self._entries.pop(key)[1]

    async def clear(self) -> int:
        cleared = self.size()
        self._entries.clear()
        self._bytes = 0
        return cleared

    def size(self) -> int:
        oldest = self._clock() - self._ttl
        for key in [key for key, (entry, _) in self._entries.items() if entry.stored_at <= oldest]:
            self._drop(key)
        return len(self._entries)


def _size(result: Result | EmbeddingResult) -> int:
    """About how many bytes it takes."""
    if isinstance(result, EmbeddingResult):
        return sum(
            vector.itemsize * len(vector) if isinstance(vector, array) else _FLOAT_BYTES * len(vector)
            for vector in result.vectors
        )
    return len(_encode(result))
