"""Shared calls as clients meet them, over real sockets and on the loop that ships: nobody waits for another, nothing
leaks, and each request leaves one record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import httpx
import msgspec
import pytest
import uvloop
from fake_providers import Endless, Exchange, Fails, FakeOpenAI, Says, Silent

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import CHAT, QUESTION, Stage, error_of, staged
from tests.llm_gateway.test_backpressure import PIECE, Pours

ASKED = {"model": "gpt-4o", "messages": QUESTION, "stream": True}
SOON = 8


def calls_under_way() -> list[str]:
    """The tasks of shared calls, by name."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("call ")]


def readers() -> int:
    """How many readers the shared calls have together."""
    tasks: list[Any] = [task for task in asyncio.all_tasks() if task.get_name().startswith("call ")]
    return sum(task.get_coro().cr_frame.f_locals["self"].call.readers for task in tasks)


def on_uvloop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test on uvloop, and checks that none of the gateway's tasks is left at its end."""

    @wraps(test)
    def run(**given: Any) -> None:
        async def checked() -> None:
            await test(**given)
            assert calls_under_way() == []

        uvloop.run(asyncio.wait_for(checked(), 9))

    return run


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.01)


async def recorded(stage: Stage, count: int) -> list[Any]:
    """The records, once there are so many."""
    async with asyncio.timeout(SOON):
        while len(stage.calls) < count:
            await stage.observed()
            await asyncio.sleep(0.01)
    return stage.calls


class Gated(Pours):
    """Says one piece, and the rest when `gate` is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(200, {"content-type": "text/event-stream"})
        await exchange.write(self.piece())
        await self.gate.wait()
        await self.pour(exchange)


@asynccontextmanager
async def open_stream(stage: Stage) -> AsyncIterator[asyncio.StreamReader]:
    """A client that has asked for a stream and read the status of it, and reads on only when it is told to."""
    host, port = stage.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=PIECE)
    body = msgspec.json.encode(ASKED)
    head = f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    try:
        assert b"200" in await asyncio.wait_for(reader.readline(), SOON)
        yield reader
    finally:
        writer.close()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    whole = bytearray()
    while chunk := await reader.read(1 << 20):
        whole += chunk
    return bytes(whole)


@on_uvloop
async def test_a_slow_reader_beside_a_fast_one_loses_its_place_and_stops_nobody():
    pours = Gated()
    async with staged(FakeOpenAI(pours), UPSTREAM_MAX_BYTES=str(10**9), STREAM_BUFFER_BYTES=str(256 * 1024)) as stage:
        async with open_stream(stage) as slow:
            asking = asyncio.create_task(stage.chat(stream=True))
            await until(lambda: readers() == 2)
            pours.gate.set()
            fast = await asyncio.wait_for(asking, SOON)
            assert fast.headers["x-cache"] == "coalesced"
            assert fast.content.count(b"a") >= 4_000 * PIECE and fast.content.endswith(b"data: [DONE]\n\n")
            said = await asyncio.wait_for(all_of(slow), SOON)
        calls = await recorded(stage, 2)
    assert b"stream_reader_too_slow" in said and b"[DONE]" not in said, "it is told, not left with half an answer"
    ok, late = sorted(calls, key=lambda call: call.status, reverse=True)
    assert (ok.status, late.status, late.error_code) == ("ok", "error", "stream_reader_too_slow")
    assert [call.billed for call in (ok, late)] == [True, False], "the one that stays pays for the call"
    assert ok.usage and ok.cost_usd and late.usage is None


@on_uvloop
async def test_when_the_one_that_began_it_leaves_the_others_have_it_all_and_it_is_paid_once():
    words = [f"{n} " for n in range(40)]
    fake = FakeOpenAI(Says(words, pause=0.01))
    async with staged(fake) as stage:
        async with open_stream(stage):
            await fake.call()
            staying = asyncio.create_task(stage.chat(stream=True))
            await until(lambda: readers() == 2)
        answer = await asyncio.wait_for(staying, SOON)
        calls = await recorded(stage, 2)
    said = "".join(c["choices"][0]["delta"].get("content") or "" for c in events(answer.content)[:-1] if c["choices"])
    assert said == "".join(words) and len(fake.calls) == 1
    gone, stayed = sorted(calls, key=lambda call: call.status)
    assert (gone.status, gone.billed, gone.usage) == ("cancelled", False, None)
    assert (stayed.status, stayed.billed) == ("ok", True) and stayed.cost_usd and len(stayed.attempts) == 1


@on_uvloop
async def test_a_client_that_takes_nothing_is_left_and_its_provider_released():
    async with (
        staged(FakeOpenAI(Pours()), UPSTREAM_MAX_BYTES=str(10**9), CLIENT_SEND_TIMEOUT="0.4") as stage,
        open_stream(stage),
    ):
        [call] = await recorded(stage, 1)
        assert calls_under_way() == []
    assert (call.status, call.http_status, call.error_code) == ("cancelled", 499, "client_stalled")
    assert call.usage and call.cost_usd and [attempt.outcome for attempt in call.attempts] == ["cancelled"]


@on_uvloop
async def test_the_limit_for_the_whole_answer_runs_while_nobody_reads():
    async with staged(FakeOpenAI(Pours()), UPSTREAM_MAX_BYTES=str(10**9), UPSTREAM_TOTAL_TIMEOUT="0.7") as stage:
        async with open_stream(stage):
            assert len(calls_under_way()) == 1
            await until(lambda: calls_under_way() == [])
            health = (await stage.http.get("/health")).json()
            assert health["providers"]["openai"]["circuit"] == "closed"
        [call] = await recorded(stage, 1)
    assert call.status in ("error", "cancelled")


@pytest.mark.parametrize("stream", [True, False])
@on_uvloop
async def test_a_stop_in_the_middle_ends_every_call_and_each_leaves_a_record(stream: bool):
    fake = FakeOpenAI(Endless("palabras ", pause=0.01) if stream else Silent())
    async with httpx.AsyncClient(timeout=SOON) as http:  # it outlives the gateway
        async with staged(fake) as stage:
            body = {"model": "gpt-4o", "messages": QUESTION, "stream": stream}
            asking = [asyncio.create_task(http.post(f"{stage.url}{CHAT}", json=body)) for _ in range(3)]
            await fake.call()
            await until(lambda: readers() == 3)
            calls = stage.calls
        answers = await asyncio.gather(*asking, return_exceptions=True)
    await asyncio.wait_for(fake.calls[0].left.wait(), SOON)
    assert len(fake.calls) == 1 and len(calls) == 3
    assert {(call.status, call.http_status, call.error_code) for call in calls} == {("error", 503, "stopping")}
    assert [call.billed for call in calls].count(True) == 1
    if not stream:
        for answer in answers:  # a cancellation that is swallowed would leave them without any
            assert not isinstance(answer, BaseException)
            assert (answer.status_code, error_of(answer)["code"]) == (503, "stopping")


@pytest.mark.parametrize("length", [10, 300_000])
@on_uvloop
async def test_a_client_that_leaves_is_noticed_without_a_task_that_waits_for_it(length: int):
    """A long body is one that the server had paused to read."""
    fake = FakeOpenAI(Silent())
    async with staged(fake) as stage:
        host, port = stage.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        body = msgspec.json.encode({"model": "gpt-4o", "messages": [{"role": "user", "content": "a" * length}]})
        head = f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        exchange = await fake.call()
        assert not [task for task in asyncio.all_tasks() if "Watch" in str(task.get_coro())]
        writer.close()
        await asyncio.wait_for(exchange.left.wait(), SOON)
        [call] = await recorded(stage, 1)
    assert (call.status, call.http_status, call.error_code) == ("cancelled", 499, "client_gone")


# --- who is let in ---


@pytest.mark.parametrize("limit", ["POOL_MAX_CONCURRENT", "PROVIDER_MAX_CONCURRENT"])
@pytest.mark.parametrize("stream", [True, False])
@on_uvloop
async def test_more_than_may_be_under_way_is_refused_by_ourselves(limit: str, stream: bool):
    hold = asyncio.Event()
    fake = FakeOpenAI(Says("a", hold=hold), Says("b"))
    async with staged(fake, **{limit: "1"}) as stage:
        first = asyncio.create_task(stage.chat(stream=stream))
        await fake.call()
        for _ in range(7):  # more than open a circuit
            refused = await stage.chat(stream=stream, seed=1)
            assert (refused.status_code, error_of(refused)["code"]) == (503, "gateway_saturated")
            assert refused.headers["retry-after"] == "1"
        assert (await stage.http.get("/health")).json()["providers"]["openai"]["circuit"] == "closed"
        hold.set()
        assert (await first).status_code == 200
        assert (await stage.chat(stream=stream, seed=1)).status_code == 200, "a place that was used is free again"
        calls = await recorded(stage, 9)
    assert [call.error_code for call in calls].count("gateway_saturated") == 7
    assert {call.metered_model for call in calls} == {"gpt-4o"}


@on_uvloop
async def test_who_shares_a_call_takes_no_place_at_the_provider():
    hold = asyncio.Event()
    fake = FakeOpenAI(Says("a", hold=hold))
    async with staged(fake, PROVIDER_MAX_CONCURRENT="1") as stage:
        asking = [asyncio.create_task(stage.chat(stream=True)) for _ in range(4)]
        await fake.call()
        await until(lambda: readers() == 4)
        hold.set()
        assert [(await one).status_code for one in asking] == [200] * 4
        assert (await stage.chat()).headers["x-cache"] == "hit"


# --- what is written down ---


@on_uvloop
async def test_a_record_has_every_attempt():
    async with staged(FakeOpenAI(Fails(500), Says("x")), UPSTREAM_RETRIES="1") as stage:
        assert (await stage.chat()).status_code == 200
        [call] = await recorded(stage, 1)
    assert [(one.outcome, one.error_code) for one in call.attempts] == [
        ("failed", "upstream_unavailable"), ("answered", None),
    ]  # fmt: skip
    assert [one.tokens for one in call.attempts] == [None, call.usage.total_tokens]
    assert all(one.deployment[0] == "openai" and one.duration_ms > 0 for one in call.attempts)
    assert call.attempts[0].started_at < call.attempts[1].started_at <= call.finished_at


@pytest.mark.parametrize(("stream", "usage"), [(s, u) for s in (False, True) for u in ("tokens", "cost")])
@on_uvloop
async def test_figures_that_cannot_be_count_as_not_said(stream: bool, usage: str):
    odd = (
        {"prompt_tokens": -1, "completion_tokens": 4}
        if usage == "tokens"
        else {"prompt_tokens": 9, "completion_tokens": 4, "cost": -0.5}
    )
    fake = FakeOpenAI(Says("x", usage=odd), Says("y"))
    async with staged(fake) as stage:
        answer = await stage.generate(stream=stream)
        assert answer.status_code == 200 and b"-1" not in answer.content and b"-0.5" not in answer.content
        await stage.generate(seed=1)
        calls = await recorded(stage, 2)
        assert (await stage.http.get("/metrics")).json()["total_requests"] == 2
        health = (await stage.http.get("/health")).json()
    assert health["status"] == "healthy" and health["records"]["failures"] == {}
    assert calls[0].usage.prompt_tokens >= 0 and (usage == "cost" or calls[0].usage.estimated)
    assert calls[0].cost_usd is None or calls[0].cost_usd >= 0
