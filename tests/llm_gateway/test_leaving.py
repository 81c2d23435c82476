"""Clients that go before they have their answer: the provider is told at once, and what it cost is written down."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fake_providers import Endless, FakeOpenAI, Says, Silent
from llm_gateway.telemetry.record import CallRecord

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import CHAT, GENERATE, QUESTION, Stage, staged
from tests.waiting import eventually

SOON = 5


async def leave_stream(stage: Stage, path: str, after: int = 2) -> None:
    """Read a few events of a stream, then hang up."""
    body = {"model": "gpt-4o", "messages": QUESTION, "stream": True}
    async with stage.http.stream("POST", path, json=body) as response:
        assert response.status_code == 200
        seen = 0
        async for line in response.aiter_lines():
            seen += line.startswith("data:")
            if seen == after:
                return


async def hang_up(*asking: asyncio.Task[httpx.Response]) -> None:
    """Closes the connections of requests that have no answer yet."""
    for one in asking:
        assert not one.done()
        one.cancel()
    await asyncio.wait(asking)


async def call_of(stage: Stage, number: int = 0) -> CallRecord:
    async def calls() -> list[CallRecord]:
        return (await stage.observed())[number:]

    return (await eventually(calls))[0]


@pytest.mark.parametrize("path", [CHAT, GENERATE])
@pytest.mark.parametrize("control", [{}, {"CACHE_ENABLED": "false"}], ids=["cached", "uncached"])
async def test_leaving_a_stream_cancels_it_upstream(path: str, control: dict[str, str]):
    fake = FakeOpenAI(Endless("palabras ", pause=0.01))
    async with staged(fake, **control) as stage:
        await leave_stream(stage, path)
        await asyncio.wait_for(fake.calls[0].left.wait(), SOON)
        call = await call_of(stage)
        assert (await stage.http.get("/health")).json()["cache"]["entries"] == 0
    assert (call.status, call.http_status, call.error_code) == ("cancelled", 499, "client_gone")
    assert (call.model, call.provider, call.ttft_ms is not None) == ("gpt-4o", "openai", True)
    assert call.usage and call.usage.estimated and call.usage.completion_tokens >= 2 and call.usage.prompt_tokens > 0
    assert call.cost_usd and call.cost_source == "estimated"


@pytest.mark.parametrize("stream", [False, True])
async def test_leaving_before_the_first_word_cancels_it_upstream(stream: bool):
    fake = FakeOpenAI(Silent())
    async with staged(fake) as stage:
        asking = asyncio.create_task(stage.chat(stream=stream))
        await fake.call()
        await hang_up(asking)
        await asyncio.wait_for(fake.calls[0].left.wait(), SOON)
        call = await call_of(stage)
    assert (call.status, call.http_status) == ("cancelled", 499)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_shared_call_survives_the_first_one_leaving(stream: bool):
    hold = asyncio.Event()
    fake = FakeOpenAI(Says(["¡Ho", "la!"], hold=hold))
    async with staged(fake) as stage:
        leaving = asyncio.create_task(stage.chat(stream=stream))
        await fake.call()
        staying = asyncio.create_task(stage.chat(stream=stream))
        await stage.taken_in()
        await hang_up(leaving)
        assert (await call_of(stage)).status == "cancelled"
        assert not fake.calls[0].left.is_set()
        hold.set()
        answer = await asyncio.wait_for(staying, SOON)
        assert (await stage.chat()).headers["x-cache"] == "hit"
    assert answer.headers["x-cache"] == "coalesced" and "¡Ho" in answer.text


async def test_a_shared_stream_survives_the_first_one_leaving_in_the_middle():
    words = [f"{n} " for n in range(60)]
    fake = FakeOpenAI(Says(words, pause=0.01))
    async with staged(fake) as stage:
        leaving = asyncio.create_task(leave_stream(stage, CHAT, after=5))
        await fake.call()
        staying = asyncio.create_task(stage.chat(stream=True))
        await leaving
        answer = await asyncio.wait_for(staying, SOON)
    *chunks, done = events(answer.content)
    assert done == "[DONE]"
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks) == "".join(words)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_shared_call_ends_when_the_last_one_leaves(stream: bool):
    fake = FakeOpenAI(Silent(), Says("de nuevo"))
    async with staged(fake) as stage:
        both = [asyncio.create_task(stage.chat(stream=stream)) for _ in range(2)]
        await fake.call()
        await stage.taken_in()
        await hang_up(*both)
        await asyncio.wait_for(fake.calls[0].left.wait(), SOON)
        again = await stage.chat(stream=stream)
        assert again.status_code == 200 and again.headers["x-cache"] == "miss", "nobody waits for the dead call"


async def test_a_follower_that_leaves_disturbs_nobody():
    hold = asyncio.Event()
    fake = FakeOpenAI(Says("x", hold=hold))
    async with staged(fake) as stage:
        staying = asyncio.create_task(stage.chat())
        await fake.call()
        leaving = asyncio.create_task(stage.chat())
        await stage.taken_in()
        await hang_up(leaving)
        assert (await call_of(stage)).status == "cancelled"
        hold.set()
        assert (await asyncio.wait_for(staying, SOON)).headers["x-cache"] == "miss"
        statuses = sorted([(await call_of(stage, n)).status for n in range(2)])
    assert statuses == ["cancelled", "ok"]


async def test_leaving_while_still_sending_is_no_error():
    fake = FakeOpenAI()
    async with staged(fake) as stage:
        host, _, port = stage.url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
        )
        writer.write(head.encode())
        await writer.drain()
        await stage.taken_in()
        writer.close()
        await stage.taken_in()
        assert (await stage.http.get("/healthz")).status_code == 200
    assert fake.calls == []
