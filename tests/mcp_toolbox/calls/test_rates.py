from __future__ import annotations

from typing import Any

import httpx
import pytest
from mcp_toolbox.calls.rates import Rates
from mcp_toolbox.errors import RateLimitedError
from service_kit.limits.limiter import Rate
from service_kit.limits.memory import MemoryLimiter

from tests.valkey import valkey

ADD = {"name": "add", "arguments": {"a": 1, "b": 2}}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def wait_of(rates: Rates, principal: str = "k1", tool: str = "find") -> float:
    """Seconds to wait; 0 for a call that is let through."""
    try:
        await rates.take(principal, tool)
    except RateLimitedError as error:
        return error.wait
    return 0


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_as_many_at_once_as_the_rate_says_and_then_one_at_a_time(clock: Clock):
    rates = Rates([("find", Rate(3, 6))], MemoryLimiter(clock=clock))
    assert [await wait_of(rates) for _ in range(5)] == [0, 0, 0, 2, 2]
    clock.now += 1
    assert await wait_of(rates) == pytest.approx(1)
    clock.now += 1
    assert [await wait_of(rates), await wait_of(rates)] == [0, 2]


async def test_rest_does_not_add_up(clock: Clock):
    rates = Rates([("find", Rate(2, 1))], MemoryLimiter(clock=clock))
    for _ in range(2):
        clock.now += 1000
        assert [await wait_of(rates) > 0 for _ in range(3)] == [False, False, True]


async def test_callers_and_tools_do_not_share(clock: Clock):
    rates = Rates([("find*", Rate(1, 60))], MemoryLimiter(clock=clock))
    assert [await wait_of(rates, "k1"), await wait_of(rates, "k2"), await wait_of(rates, "k1", "find_all")] == [0, 0, 0]
    assert await wait_of(rates, "k1") == 60


async def test_a_tool_without_a_rate_is_not_counted(clock: Clock):
    limiter = MemoryLimiter(clock=clock)
    rates = Rates([("find", Rate(1, 60))], limiter)
    assert [await wait_of(rates, tool="add") for _ in range(100)] == [0] * 100
    assert len(limiter) == 0


async def test_it_says_how_long_to_wait(clock: Clock):
    rates = Rates([("find", Rate(1, 90))], MemoryLimiter(clock=clock))
    await rates.take("k1", "find")
    with pytest.raises(RateLimitedError, match=r"The tool find is called too often: wait 90\.0 s"):
        await rates.take("k1", "find")


async def test_replicas_count_together_and_alone_while_redis_is_away(serve_toolbox: Any):
    with valkey() as store:
        environ = {"TOOL_RATE_LIMITS": "add=2/h", "REDIS_URL": store.url}
        async with (
            serve_toolbox(**environ) as one,
            serve_toolbox(**environ) as other,
            httpx.AsyncClient(timeout=10) as http,
        ):
            answers = [await http.post(f"{url}/mcp/tools/call", json=ADD) for url in (one, other, one, other)]
            assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
            assert answers[2].json()["error"]["code"] == "tool_rate_limited"
            assert 1_700 < int(answers[2].headers["retry-after"]) <= 1_800
            assert (await http.get(f"{one}/health")).json()["status"] == "healthy"
            store.stop()
            answers = [await http.post(f"{one}/mcp/tools/call", json=ADD) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            health = (await http.get(f"{one}/health")).json()
            assert (health["status"], health["rates"]) == ("degraded", "this process")
