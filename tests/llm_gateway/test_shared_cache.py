"""Two gateways with one Valkey, all of them real: an answer is asked for once between them, and forgotten by both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from fake_providers import FakeOpenAI, Says
from service_kit.testing import running

from tests.llm_gateway.harness import KEY, Stage, gateway
from tests.stores import OwnValkey, valkey

__all__ = ["valkey"]  # a fixture


@asynccontextmanager
async def gateways(
    fake: FakeOpenAI, server: OwnValkey, patience: str = "5s", **environ: str
) -> AsyncIterator[list[Stage]]:
    """Two gateways that wait for their store as long as a busy machine may take."""
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(running(fake))
        variables = {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{upstream}/v1",
            "REDIS_URL": f"redis://127.0.0.1:{server.port}/0",
            "REDIS_TIMEOUT": patience,
            **environ,
        }
        yield [await stack.enter_async_context(gateway(**variables)) for _ in range(2)]


async def cached(stage: Stage, **body: object) -> httpx.Response:
    """An answer from the cache: writing behind the first answer takes a moment."""
    async with asyncio.timeout(8):
        while (answer := await stage.chat(**body)).headers["x-cache"] == "miss":
            await asyncio.sleep(0.01)
    return answer


@pytest.mark.parametrize("stream", [False, True])
async def test_what_one_was_told_the_other_tells(valkey: OwnValkey, stream: bool):
    fake = FakeOpenAI(always=Says("Hola"))
    async with gateways(fake, valkey) as (a, b):
        first = await a.chat(stream=stream)
        assert first.headers["x-cache"] == "miss"
        asked = len(fake.calls)
        answer = await cached(b, stream=stream)
        assert answer.headers["x-cache"] == "hit" and len(fake.calls) - asked <= 1
        assert ("Hola" in answer.text) == ("Hola" in first.text)
        [*_, record] = await b.observed()
        assert (record.cache, record.cache_level, record.billed) == ("hit", "redis", False)
        assert record.cost_usd == 0 and record.saved_usd and record.attempts == ()
        assert (await b.chat(stream=stream)).headers["x-cache"] == "hit"
        assert (await b.observed())[-1].cache_level == "memory"


async def test_equal_requests_at_both_are_one_call(valkey: OwnValkey):
    gate = asyncio.Event()
    fake = FakeOpenAI(always=Says("Hola", hold=gate))
    async with gateways(fake, valkey) as (a, b):
        first = asyncio.create_task(a.chat())
        await fake.call()
        second = asyncio.create_task(b.chat())
        await b.taken_in()
        gate.set()
        statuses = [(await each).headers["x-cache"] for each in (first, second)]
    assert statuses == ["miss", "coalesced"] and len(fake.calls) == 1


async def test_clearing_one_clears_both(valkey: OwnValkey):
    fake = FakeOpenAI(always=Says("Hola"))
    async with gateways(fake, valkey) as (a, b):
        await a.chat()
        await cached(b)
        assert (await a.http.post("/cache/clear")).json() == {"cleared": 1}

        async with asyncio.timeout(8):
            while (await b.http.get("/health")).json()["cache"]["entries"]:
                await asyncio.sleep(0.02)
        assert (await b.chat()).headers["x-cache"] == "miss"


async def test_without_its_store_a_gateway_answers_as_fast(valkey: OwnValkey):
    fake = FakeOpenAI(always=Says("Hola"))
    async with gateways(fake, valkey, "10ms") as (a, b):
        assert (await a.chat()).status_code == 200
        valkey.freeze()
        for number in range(5):  # the first two wait for it, which opens its circuit
            assert (await b.chat(seed=number)).status_code == 200
        began = time.monotonic()
        for number in range(20):
            assert (await b.chat(seed=100 + number)).headers["x-cache"] == "miss"
        assert time.monotonic() - began < 5
        assert (await b.chat(seed=100)).headers["x-cache"] == "hit", "from this process"
        valkey.kill()
        assert (await b.chat(seed=200)).status_code == 200
        assert (await a.http.get("/healthz")).status_code == 200


async def test_no_cache_is_answered_by_no_replay(valkey: OwnValkey):
    fake = FakeOpenAI(always=Says("Hola"))
    async with gateways(fake, valkey) as (a, b):
        await a.chat()
        await cached(a)
        asked = len(fake.calls)
        answers = await asyncio.gather(b.chat(), b.chat(headers={"cache-control": "no-cache"}))
        assert [each.headers["x-cache"] for each in answers] == ["hit", "miss"]
        assert len(fake.calls) == asked + 1


async def test_what_will_not_be_kept_makes_no_replica_wait(valkey: OwnValkey):
    gate = asyncio.Event()
    fake = FakeOpenAI(always=Says("Hola", hold=gate))
    async with gateways(fake, valkey, CACHE_TTL_BY_KIND="chat=0") as (a, b):
        first = asyncio.create_task(a.chat())
        await fake.call()
        second = asyncio.create_task(b.chat())
        await fake.call(1)  # at once, though the first has no answer yet
        gate.set()
        assert [(await each).status_code for each in (first, second)] == [200, 200]
