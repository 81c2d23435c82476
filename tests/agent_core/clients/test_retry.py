"""What a client asks again, and what it never does: against real servers that refuse, restart and hang up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from agent_core.clients.caller import Caller
from agent_core.clients.gateway import open_gateway
from agent_core.clients.gateway_stream import ModelAnswer
from agent_core.clients.retry import NotBegun, pause_asked_for, repeat_until_begun, retry_after_seconds
from agent_core.deadline import Deadline
from agent_core.errors import GatewayRefused, GatewayUnavailable
from agent_core.testing import Answer, Raw, Refusal, ScriptedGateway, Wire
from service_kit.errors import ApiError

PAYLOAD = {"model": "offline", "messages": [{"role": "user", "content": "hola"}]}
BUSY = Refusal(503, "stopping", retry_after=0.1)


async def asked(url: str, seconds: float = 20.0) -> list[str | ModelAnswer]:
    async with open_gateway(url) as gateway:
        return [piece async for piece in gateway.generate(PAYLOAD, Caller(), Deadline.after(seconds))]


@asynccontextmanager
async def hanging_up(times: int, then: str) -> AsyncIterator[tuple[str, Callable[[], int]]]:
    """A server that reads a request and resets the connection without a byte, `times` times; then it answers `then`."""
    requests = 0

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1
        if requests > times:
            writer.write(then.encode())
            await writer.drain()
        writer.transport.abort() if requests <= times else writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", lambda: requests


@pytest.mark.parametrize("refusal", [BUSY, Refusal(429, "too_many_requests", retry_after=0.1)])
async def test_a_service_that_asks_to_come_back_is_asked_again(refusal):
    scripted = ScriptedGateway([refusal, refusal, Answer("hola")])
    async with scripted.running() as url:
        assert (await asked(url))[0] == "hola"
    assert len(scripted.requests) == 3


async def test_a_service_that_restarts_is_asked_until_it_is_back():
    scripted = ScriptedGateway([Answer("hola")])
    async with scripted.running() as url, Wire.to(url) as wire:
        await wire.cut()
        question = asyncio.create_task(asked(wire.url))
        await asyncio.sleep(0)
        await wire.mend()
        assert (await question)[0] == "hola"
    assert len(scripted.requests) == 1


async def test_a_connection_reset_before_the_first_byte_is_made_again():
    body = 'data: {"content": "hola"}\n\ndata: {"model": "m", "provider": "p"}\n\ndata: [DONE]\n\n'
    answer = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    async with hanging_up(2, answer) as (url, requests):
        assert (await asked(url))[0] == "hola"
        assert requests() == 3


async def test_a_stream_that_has_begun_is_never_asked_for_again():
    scripted = ScriptedGateway([Answer("uno dos", cut=True), Answer("otra vez")])
    async with scripted.running() as url:
        with pytest.raises(GatewayUnavailable):
            await asked(url)
    assert len(scripted.requests) == 1


async def test_a_stream_that_is_cut_before_its_first_event_has_begun_too():
    scripted = ScriptedGateway([Raw(b": beat\n\n"), Answer("otra vez")])
    async with scripted.running() as url:
        with pytest.raises(GatewayUnavailable):
            await asked(url)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(503, "stopping"),
        Refusal(503, "provider_not_configured", retry_after=0.1),
        Refusal(503, "upstream_circuit_open", retry_after=0.1),
        Refusal(400, "invalid", retry_after=0.1),
        Refusal(500, "broken", retry_after=0.1),
    ],
)
async def test_a_refusal_that_time_does_not_mend_is_asked_once(refusal):
    scripted = ScriptedGateway([refusal, Answer("hola")])
    async with scripted.running() as url:
        with pytest.raises(GatewayRefused):
            await asked(url)
    assert len(scripted.requests) == 1


async def test_a_pause_that_does_not_fit_into_the_deadline_is_not_made():
    scripted = ScriptedGateway([Refusal(429, "too_many_requests", retry_after=60), Answer("hola")])
    async with asyncio.timeout(10), scripted.running() as url:
        with pytest.raises(GatewayRefused) as caught:
            await asked(url, seconds=30)
    assert (caught.value.status, caught.value.retry_after) == (429, 60)


async def test_without_a_deadline_nothing_is_asked_twice():
    scripted = ScriptedGateway([BUSY, Answer("hola")])
    async with scripted.running() as url, open_gateway(url) as gateway:
        with pytest.raises(GatewayRefused):
            await anext(gateway.generate(PAYLOAD, Caller()))
    assert len(scripted.requests) == 1


async def test_a_pause_is_left_at_once_when_its_run_is_stopped():
    scripted = ScriptedGateway([Refusal(429, "too_many_requests", retry_after=20)])
    async with scripted.running() as url:
        question = asyncio.create_task(asked(url, seconds=60))
        async with asyncio.timeout(10):
            while not scripted.requests:
                await asyncio.sleep(0.01)
            question.cancel()
            with pytest.raises(asyncio.CancelledError):
                await question


async def test_a_service_that_always_asks_to_come_back_ends_with_the_deadline():
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        raise NotBegun(ApiError(429, "busy", "busy"), 0.01)

    async with asyncio.timeout(8):
        with pytest.raises(ApiError, match="busy"):
            await repeat_until_begun(attempt, Deadline.after(0.5))
    assert 2 < attempts < 30  # pauses grow even where the service asks for short ones


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (503, {"retry-after": "2"}, 2.0),
        (429, {"retry-after": "0"}, 0.0),
        (503, {}, None),
        (503, {"retry-after": "2", "x-should-retry": "false"}, None),
        (429, {"retry-after": "2", "x-should-retry": " False "}, None),
        (502, {"retry-after": "2"}, None),
    ],
)
def test_when_a_refusal_may_be_asked_again(status, headers, pause):
    assert pause_asked_for(status, headers) == pause


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "-inf", "Wed, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_cannot_be_read_says_nothing(value):
    assert retry_after_seconds(value) is None


def test_a_retry_after_may_be_a_date():
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    late = retry_after_seconds("Wed, 21 Oct 2099 07:28:00 GMT")
    assert late is not None and late > 1_000_000
