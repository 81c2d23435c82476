from __future__ import annotations

from typing import Any

import pytest
from llm_gateway.cache.kept import EVERYTHING, Kept, Labels, Selector
from llm_gateway.cache.memory import MemoryCache

TTL = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(clock: Clock | None = None, **changes: Any) -> MemoryCache:
    return MemoryCache(**{"max_entries": 10, "max_bytes": 100_000, "clock": clock or Clock(), **changes})


def put(kept: MemoryCache, key: bytes, size: int = 1, labels: Labels | None = None) -> Kept:
    stored = Kept(b"x" * size, False, 0.0, TTL, labels or Labels())
    kept.put(key, stored, TTL)
    return stored


def test_an_answer_is_kept_whole():
    kept = cache()
    stored = put(kept, b"k")
    assert kept.get(b"k") == stored
    assert kept.get(b"other") is None


def test_an_answer_expires():
    clock = Clock()
    kept = cache(clock)
    put(kept, b"k")
    clock.now += 59.9
    assert kept.get(b"k") is not None
    clock.now += 0.2
    assert kept.get(b"k") is None and kept.size() == 0 and kept.bytes == 0


def test_what_has_no_time_left_is_not_kept():
    kept = cache()
    kept.put(b"k", put(kept, b"other"), 0.0)
    assert kept.get(b"k") is None


def test_the_least_recently_used_goes_first():
    kept = cache(max_entries=3)
    for key in (b"a", b"b", b"c"):
        put(kept, key)
    kept.get(b"a")
    put(kept, b"d")
    assert [key for key in (b"a", b"b", b"c", b"d") if kept.get(key)] == [b"a", b"c", b"d"]
    assert kept.size() == 3


def test_replacing_an_answer_takes_no_second_place():
    kept = cache(max_entries=2)
    for key in (b"a", b"b", b"b", b"b"):
        put(kept, key)
    assert kept.get(b"a") is not None and kept.size() == 2


def test_bytes_are_bounded():
    kept = cache(max_entries=10_000, max_bytes=100_000)
    for number in range(200):
        put(kept, b"%d" % number, 5_000)
    assert 10 <= kept.size() <= 20 and kept.bytes <= 100_000
    assert kept.get(b"199") is not None


def test_an_answer_that_would_fill_it_is_not_kept():
    kept = cache(max_bytes=80_000)
    put(kept, b"small", 100)
    put(kept, b"big", 10_000)
    assert kept.get(b"big") is None and kept.get(b"small") is not None


def test_clearing_tells_how_many():
    kept = cache()
    put(kept, b"a")
    put(kept, b"b")
    assert kept.remove() == 2
    assert (kept.size(), kept.bytes, kept.remove()) == (0, 0, 0)


ONE, TWO = Labels("one", b"1"), Labels("two", b"2")


@pytest.mark.parametrize(
    ("selector", "left"),
    [
        (EVERYTHING, []),
        (Selector(key=b"a"), [b"b", b"c"]),
        (Selector(model="one"), [b"c"]),
        (Selector(prompt=b"1"), [b"c"]),
        (Selector(model="one", prompt=b"2"), [b"a", b"b", b"c"]),
        (Selector(model="none"), [b"a", b"b", b"c"]),
    ],
)
def test_what_is_selected_is_removed(selector: Selector, left: list[bytes]):
    kept = cache()
    for key, labels in ((b"a", ONE), (b"b", ONE), (b"c", TWO)):
        put(kept, key, labels=labels)
    assert kept.remove(selector) == 3 - len(left)
    assert [key for key in (b"a", b"b", b"c") if kept.get(key)] == left
