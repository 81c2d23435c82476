"""Limiters: the same rules in this process and in a real Valkey, and the fallback while Valkey is away."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit.limits.compose import limiter_of
from service_kit.limits.limiter import Decision, Limiter, Rate
from service_kit.limits.memory import MemoryLimiter
from service_kit.limits.redis import RedisLimiter

from tests.valkey import Valkey, valkey

PATIENT = 5.0
"""Seconds that a test gives a store that is there: busy machines answer late."""


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def store() -> Iterator[Valkey]:
    with valkey() as running:
        yield running


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest, store: Valkey) -> AsyncIterator[Limiter]:
    made = MemoryLimiter() if request.param == "memory" else RedisLimiter(store.url, answer_seconds=PATIENT)
    with store.client() as client:
        client.flushall()
    async with made.running():
        yield made
        assert not made.away


@asynccontextmanager
async def shared(url: str, answer_seconds: float = PATIENT) -> AsyncIterator[RedisLimiter]:
    limiter = RedisLimiter(url, answer_seconds=answer_seconds)
    async with limiter.running():
        yield limiter


# --- the rules, wherever the buckets are ---


async def test_as_many_as_the_rate_says_and_then_none(limiter: Limiter):
    rate = Rate(3, 3_600)
    decisions = [await limiter.take("a", rate) for _ in range(5)]
    assert [decision.allowed for decision in decisions] == [True, True, True, False, False]
    assert [math.floor(decision.remaining + 0.01) for decision in decisions] == [2, 1, 0, 0, 0]
    assert [decision.limit for decision in decisions] == [3] * 5
    assert decisions[0].retry_after == 0 and decisions[4].retry_after == pytest.approx(1_200, rel=0.05)
    assert decisions[4].reset == pytest.approx(3_600, rel=0.05)


async def test_keys_do_not_share(limiter: Limiter):
    rate = Rate(1, 3_600)
    assert [(await limiter.take(key, rate)).allowed for key in ("a", "b", "a")] == [True, True, False]


async def test_costs_are_taken_whole_or_not_at_all_and_can_be_given_back(limiter: Limiter):
    rate = Rate(1_000, 36_000)
    assert (await limiter.take("t", rate, 900)).allowed
    refused = await limiter.take("t", rate, 200)
    assert not refused.allowed and refused.remaining == pytest.approx(100, abs=1)
    assert (await limiter.take("t", rate, 100)).allowed
    assert (await limiter.take("t", rate, -300)).remaining == pytest.approx(300, abs=1)
    assert (await limiter.take("t", rate, -9_000)).remaining == pytest.approx(1_000), "never more than there are"


async def test_more_than_there_ever_are_is_never_let_through(limiter: Limiter):
    decision = await limiter.take("t", Rate(10, 1), 11)
    assert not decision.allowed and decision.retry_after == math.inf and decision.remaining == 10


async def test_who_waits_as_told_is_let_through(limiter: Limiter):
    rate = Rate(20, 1)
    assert (await limiter.take("w", rate, 20)).allowed
    wait = (await limiter.take("w", rate)).retry_after
    assert 0 < wait <= 0.05
    until = time.monotonic() + wait + 0.001  # timers may fire early, the promise is about the time that has passed
    while time.monotonic() < until:
        await asyncio.sleep(0.002)
    assert (await limiter.take("w", rate)).allowed


async def test_many_at_once_get_no_more_than_there_are(limiter: Limiter):
    decisions = await asyncio.gather(*(limiter.take("m", Rate(10, 3_600)) for _ in range(40)))
    assert sum(decision.allowed for decision in decisions) == 10


async def test_keys_may_hold_anything(limiter: Limiter):
    for key in ("", "ñ \x00\n", "x" * 5_000, "*", "rate:a"):
        assert (await limiter.take(key, Rate(1, 60))).allowed
        assert not (await limiter.take(key, Rate(1, 60))).allowed


# --- in this process ---


async def test_units_come_back_evenly_and_do_not_add_up():
    clock = Clock()
    limiter = MemoryLimiter(clock=clock)
    rate = Rate(3, 6)
    assert [(await limiter.take("a", rate)).retry_after for _ in range(5)] == [0, 0, 0, 2, 2]
    clock.now += 1
    assert (await limiter.take("a", rate)).retry_after == pytest.approx(1)
    clock.now += 1
    assert [(await limiter.take("a", rate)).retry_after for _ in range(2)] == [0, 2]
    clock.now += 1_000
    assert [(await limiter.take("a", rate)).allowed for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(-5, 12)), max_size=40))
async def test_no_run_of_calls_gets_more_than_its_time_allows(calls: list[tuple[float, int]]):
    clock = Clock()
    limiter = MemoryLimiter(clock=clock)
    rate, taken = Rate(10, 50), 0.0
    for pause, cost in calls:
        clock.now += pause
        decision = await limiter.take("a", rate, cost)
        assert 0 <= decision.remaining <= rate.amount and decision.reset >= 0
        taken += max(cost, 0) if decision.allowed else 0
        given_back = sum(-one for _, one in calls if one < 0)
        assert taken <= rate.amount + (clock.now - 100.0) * rate.per_second + given_back + 0.01


async def test_what_has_rested_is_forgotten():
    clock = Clock()
    limiter = MemoryLimiter(clock=clock, first_sweep=10)
    rate = Rate(1, 1)
    for number in range(15):
        await limiter.take(f"k{number}", rate)
    assert len(limiter) == 15, "none had rested, and forgetting one would let its caller through"
    clock.now += 2
    for number in range(15, 21):
        await limiter.take(f"k{number}", rate)
    assert len(limiter) < 10
    assert not (await limiter.take("k20", rate)).allowed


# --- in a store that replicas share ---


async def test_replicas_share_what_is_left_and_buckets_expire(store: Valkey):
    async with shared(store.url) as one, shared(store.url) as other:
        rate = Rate(2, 3_600)
        assert [(await limiter.take("shared", rate)).allowed for limiter in (one, other, one)] == [True, True, False]
        assert (await one.take("brief", Rate(100, 1))).allowed
        with store.client() as client:
            assert 0 < client.pttl("rate:shared") <= 3_600_000 and client.pttl("rate:brief") <= 10


async def test_a_store_that_hangs_costs_milliseconds_once(store: Valkey):
    rate = Rate(2, 3_600)
    async with shared(store.url, answer_seconds=0.2) as limiter:
        with store.hanging():
            began = time.perf_counter()
            decisions = [await limiter.take("hangs", rate) for _ in range(50)]
            assert time.perf_counter() - began < 4  # at the limit each, 50 would take 10
        assert limiter.away
        assert [decision.allowed for decision in decisions].count(True) == 2, "rates hold in this process meanwhile"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_store_that_is_not_there_and_comes_back():
    with valkey() as first:
        port = int(first.url.rpartition(":")[2])
    rate = Rate(1, 3_600)
    async with shared(f"redis://127.0.0.1:{port}") as limiter:
        assert limiter.away
        assert [(await limiter.take("a", rate)).allowed for _ in range(2)] == [True, False]
        with valkey(port):
            await until(lambda: not limiter.away)
            assert [(await limiter.take("a", rate)).allowed for _ in range(2)] == [True, False], "counted anew, there"
        assert [isinstance(await limiter.take("a", rate), Decision) for _ in range(2)] == [True, True]
        assert limiter.away


async def test_a_store_that_refuses_is_as_good_as_away(store: Valkey):
    async with shared(store.url) as limiter:
        with store.client() as client:
            client.set("rate:odd", "no hash")  # the script finds what it cannot read
        decisions = [await limiter.take("odd", Rate(1, 3_600)) for _ in range(2)]
        assert [decision.allowed for decision in decisions] == [True, False]
        assert limiter.away
        assert (await limiter.take("other", Rate(1, 3_600))).allowed and not limiter.away


def test_the_settings_choose(store: Valkey):
    assert isinstance(limiter_of(None), MemoryLimiter)
    assert isinstance(limiter_of(store.url), RedisLimiter)
