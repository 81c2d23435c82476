from __future__ import annotations

from typing import Any

from llm_gateway.cache import Labels, Selection
from llm_gateway.cache.memory import MemoryCache


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(clock: Clock | None = None, **changes: Any) -> MemoryCache:
    return MemoryCache(**{"max_entries": 10, "max_bytes": 100_000, "ttl": 60, "clock": clock or Clock(), **changes})


async def put(kept: MemoryCache, key: bytes, text: str = "x", labels: Labels | None = None) -> bytes:
    entry = text.encode()
    await kept.put(key, entry, labels or Labels("gpt-4o"))
    return entry


async def test_an_answer_is_kept_whole():
    kept = cache()
    entry = await put(kept, b"k")
    assert await kept.get(b"k") == entry
    assert await kept.get(b"other") is None


async def test_an_answer_expires():
    clock = Clock()
    kept = cache(clock)
    await put(kept, b"k")
    clock.now += 59.9
    assert await kept.get(b"k") is not None
    clock.now += 0.2
    assert await kept.get(b"k") is None and kept.size() == 0


async def test_max_age_is_the_askers_own_limit():
    clock = Clock()
    kept = cache(clock)
    await put(kept, b"k")
    clock.now += 10
    assert await kept.get(b"k", max_age=9) is None
    assert await kept.get(b"k", max_age=10) is not None


async def test_the_least_recently_used_goes_first():
    kept = cache(max_entries=3)
    for key in (b"a", b"b", b"c"):
        await put(kept, key)
    await kept.get(b"a")
    await put(kept, b"d")
    assert [key for key in (b"a", b"b", b"c", b"d") if await kept.get(key)] == [b"a", b"c", b"d"]
    assert kept.size() == 3


async def test_replacing_an_answer_takes_no_second_place():
    kept = cache(max_entries=2)
    for key in (b"a", b"b", b"b", b"b"):
        await put(kept, key)
    assert await kept.get(b"a") is not None and kept.size() == 2


async def test_bytes_are_bounded():
    kept = cache(max_entries=10_000, max_bytes=100_000)
    for number in range(200):
        await put(kept, b"%d" % number, "a" * 5_000)
    assert 10 <= kept.size() <= 20
    assert await kept.get(b"199") is not None


async def test_an_answer_that_would_fill_it_is_not_kept():
    kept = cache(max_bytes=80_000)
    await put(kept, b"small", "a" * 100)
    await put(kept, b"big", "a" * 10_000)
    assert await kept.get(b"big") is None and await kept.get(b"small") is not None


async def test_clearing_tells_how_many():
    kept = cache()
    await put(kept, b"a")
    await put(kept, b"b")
    assert await kept.clear() == 2
    assert kept.size() == 0 and await kept.clear() == 0


async def test_what_a_selection_means_is_forgotten_and_counted():
    kept = cache()
    for key, model, prompt in ((b"a", "gpt-4o", b"1"), (b"b", "gpt-4o", b"2"), (b"c", "offline", b"1")):
        await put(kept, key, labels=Labels(model, prompt))
    assert await kept.invalidate(Selection(key=b"x")) == 0
    assert await kept.invalidate(Selection(model="gpt-4o", prompt=b"2")) == 1
    assert await kept.invalidate(Selection(prompt=b"1")) == 2
    assert await put(kept, b"d") and await kept.invalidate(Selection(key=b"d")) == 1
    assert kept.stats().invalidated == 4 and kept.stats().entries == kept.stats().bytes == 0


async def test_an_entry_that_has_expired_is_not_among_those_forgotten():
    clock = Clock()
    kept = cache(clock)
    await put(kept, b"a")
    clock.now += 61
    assert await kept.clear() == 0 and kept.stats().invalidated == 0


async def test_each_look_up_is_a_hit_or_a_miss():
    clock = Clock()
    kept = cache(clock)
    await put(kept, b"a")
    await kept.get(b"a")
    await kept.get(b"b")
    clock.now += 10
    await kept.get(b"a", max_age=5)
    clock.now += 60
    await kept.get(b"a")
    figures = kept.stats()
    assert (figures.hits, figures.misses, figures.entries) == (1, 3, 0)
