from __future__ import annotations

import asyncio

import pytest
from llm_gateway.cache import Labels
from llm_gateway.cache.behind import WriteBehind
from llm_gateway.cache.memory import MemoryCache

LABELS = Labels("gpt-4o")


class Slow(MemoryCache):
    """A cache that writes when `gate` is opened."""

    def __init__(self) -> None:
        super().__init__(max_entries=10, max_bytes=10**6, ttl=60)
        self.gate = asyncio.Event()

    async def put(self, key: bytes, entry: bytes, labels: Labels) -> None:
        await self.gate.wait()
        await super().put(key, entry, labels)


async def test_a_slow_cache_holds_only_so_many_entries():
    cache = Slow()
    behind = WriteBehind(cache, most_at_once=2)
    writing = [asyncio.create_task(behind.put(b"%d" % number, b"x", LABELS)) for number in range(2)]
    await asyncio.sleep(0)
    await behind.put(b"2", b"x", LABELS)
    assert behind.given_up == 1
    cache.gate.set()
    await asyncio.gather(*writing)
    await behind.put(b"3", b"x", LABELS)
    assert cache.size() == 3 and await cache.get(b"2") is None


async def test_a_write_that_is_given_up_gives_its_place_back():
    cache = Slow()
    behind = WriteBehind(cache, most_at_once=1)
    task = asyncio.create_task(behind.put(b"a", b"x", LABELS))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cache.gate.set()
    await behind.put(b"b", b"x", LABELS)
    assert behind.given_up == 0 and cache.size() == 1
