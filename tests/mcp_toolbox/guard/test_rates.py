from __future__ import annotations

import pytest
from mcp_toolbox.errors import RateLimitedError
from mcp_toolbox.guard.rates import Rate, Rates


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def wait_of(rates: Rates, principal: str = "k1", tool: str = "find") -> float:
    """Seconds to wait; 0 for a call that is let through."""
    try:
        rates.take(principal, tool)
    except RateLimitedError as error:
        return error.wait
    return 0


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_as_many_at_once_as_the_rate_says_and_then_one_at_a_time(clock: Clock):
    rates = Rates([("find", Rate(3, 6))], clock=clock)
    assert [wait_of(rates) for _ in range(5)] == [0, 0, 0, 2, 2]
    clock.now += 1
    assert wait_of(rates) == pytest.approx(1)
    clock.now += 1
    assert [wait_of(rates), wait_of(rates)] == [0, 2]


def test_rest_does_not_add_up(clock: Clock):
    rates = Rates([("find", Rate(2, 1))], clock=clock)
    clock.now += 1000
    assert [wait_of(rates) > 0 for _ in range(3)] == [False, False, True]
    clock.now += 1000
    assert [wait_of(rates) > 0 for _ in range(3)] == [False, False, True]


def test_callers_and_tools_do_not_share(clock: Clock):
    rates = Rates([("find*", Rate(1, 60))], clock=clock)
    assert [wait_of(rates, "k1"), wait_of(rates, "k2"), wait_of(rates, "k1", "find_all")] == [0, 0, 0]
    assert wait_of(rates, "k1") == 60


def test_a_tool_without_a_rate_is_not_counted(clock: Clock):
    rates = Rates([("find", Rate(1, 60))], clock=clock)
    assert [wait_of(rates, tool="add") for _ in range(100)] == [0] * 100
    assert len(rates) == 0


def test_what_has_rested_is_forgotten(clock: Clock):
    rates = Rates([("find", Rate(1, 1))], clock=clock, most_buckets=10)
    for number in range(10):
        wait_of(rates, f"k{number}")
    clock.now += 0.5
    wait_of(rates, "busy")
    assert len(rates) == 11  # none of them had rested, and forgetting one would let its caller through
    clock.now += 0.6
    wait_of(rates, "new")
    assert len(rates) == 2
    assert wait_of(rates, "busy") > 0


def test_it_says_how_long_to_wait(clock: Clock):
    rates = Rates([("find", Rate(1, 90))], clock=clock)
    rates.take("k1", "find")
    with pytest.raises(RateLimitedError, match=r"The tool find is called too often: wait 90\.0 s"):
        rates.take("k1", "find")
