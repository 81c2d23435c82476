from __future__ import annotations

import asyncio

import pytest
from llm_gateway.cache.behind import WriteBehind
from llm_gateway.cache.kept import NO_LABELS, Labels
from llm_gateway.cache.levels import CacheLevels
from llm_gateway.cache.memory import MemoryCache


class Slow(CacheLevels):
    """A cache that writes when `gate` is opened."""

    def __init__(self) -> None:
        super().__init__(MemoryCache(max_entries=10, max_bytes=10**6))
        self.gate = asyncio.Event()

    async def keep(self, key: bytes, entry: bytes, seconds: float, labels: Labels = NO_LABELS) -> None:
        await self.gate.wait()
        await super().keep(key, entry, seconds, labels)


def put(behind: WriteBehind, key: bytes):
    return behind.put(key, b"x", 60.0, NO_LABELS)


async def test_a_slow_cache_holds_only_so_many_entries():
    cache = Slow()
    behind = WriteBehind(cache, most_at_once=2)
    writing = [asyncio.create_task(put(behind, b"%d" % number)) for number in range(2)]
    await asyncio.sleep(0)
    await put(behind, b"2")
    assert behind.given_up == 1
    cache.gate.set()
    await asyncio.gather(*writing)
    await put(behind, b"3")
    assert cache.size() == 3 and cache.find(b"2") is None


async def test_a_write_that_is_given_up_gives_its_place_back():
    cache = Slow()
    behind = WriteBehind(cache, most_at_once=1)
    task = asyncio.create_task(put(behind, b"a"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cache.gate.set()
    await put(behind, b"b")
    assert behind.given_up == 0 and cache.size() == 1
