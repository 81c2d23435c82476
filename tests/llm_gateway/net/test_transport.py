from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fake_providers import Endless, Fails, FakeOpenAI, Says, Sends, Silent
from llm_gateway.errors import UpstreamProtocol, UpstreamTimeout, UpstreamUnavailable
from llm_gateway.net.timeouts import Timeouts
from llm_gateway.net.transport import Transport
from service_kit.ids import current_traceparent
from service_kit.testing import running

from tests.peers import listening

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}'
QUICK = Timeouts(connect=1, first_token=0.3, idle=0.3, total=0.5)
SLOW = Timeouts(connect=1, first_token=5, idle=5, total=10)


@asynccontextmanager
async def opened(fake: FakeOpenAI, max_bytes: int = 100_000) -> AsyncIterator[tuple[Transport, str]]:
    transport = Transport(max_connections=4, max_bytes=max_bytes)
    async with running(fake) as url, transport.running():
        yield transport, f"{url}/v1/chat/completions"
    fake.check()


async def test_a_whole_answer_whatever_its_status():
    fake = FakeOpenAI(Says("x"), Fails(418, headers={"X-Thing": "1"}))
    async with opened(fake) as (transport, url):
        good = await transport.post(url, {"authorization": "Bearer k"}, BODY, SLOW)
        bad = await transport.post(url, {}, BODY, SLOW)
    assert (good.status, b'"x"' in good.body) == (200, True)
    assert (bad.status, bad.headers["x-thing"]) == (418, "1")
    assert fake.calls[0].headers["authorization"] == "Bearer k" and "authorization" not in fake.calls[1].headers
    assert fake.calls[0].raw == BODY and fake.calls[0].headers["content-type"] == "application/json"


async def test_connections_are_used_again():
    fake = FakeOpenAI(*[Says("x")] * 5)
    async with opened(fake) as (transport, url):
        for _ in range(5):
            await transport.post(url, {}, BODY, SLOW)
    assert len({call.client for call in fake.calls}) == 1


async def test_cookies_and_redirects_are_not_followed():
    elsewhere = Fails(302, headers={"location": "http://127.0.0.1:9/", "set-cookie": "a=b"})
    fake = FakeOpenAI(elsewhere, Says("x"))
    async with opened(fake) as (transport, url):
        assert (await transport.post(url, {}, BODY, SLOW)).status == 302
        await transport.post(url, {}, BODY, SLOW)
    assert "cookie" not in fake.calls[1].headers


@pytest.mark.parametrize("streamed", [False, True])
async def test_silence_is_a_timeout_and_hangs_up(streamed: bool):
    fake = FakeOpenAI(Silent())
    async with opened(fake) as (transport, url):
        with pytest.raises(UpstreamTimeout):
            if streamed:
                async with transport.stream(url, {}, BODY, QUICK):
                    pass
            else:
                await transport.post(url, {}, BODY, QUICK)
        await asyncio.wait_for(fake.calls[0].left.wait(), 8)


async def test_nobody_there_is_unavailable():
    transport = Transport(max_connections=4, max_bytes=100)
    async with running(FakeOpenAI()) as url:
        pass
    async with transport.running():
        with pytest.raises(UpstreamUnavailable):
            await transport.post(f"{url}/v1", {}, BODY, SLOW)
        with pytest.raises(UpstreamUnavailable):
            await transport.post("http://no-such-host.invalid/v1", {}, BODY, SLOW)


async def test_what_is_no_http_is_an_error_of_its_own():
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
        await writer.drain()
        writer.close()

    transport = Transport(max_connections=4, max_bytes=100)
    async with listening(babble) as port, transport.running():
        with pytest.raises((UpstreamProtocol, UpstreamUnavailable)):
            await transport.post(f"http://127.0.0.1:{port}/", {}, BODY, SLOW)


async def test_too_much_is_refused():
    fake = FakeOpenAI(Sends([b"a" * 600] * 2, "application/json"), Endless("a" * 100))
    async with opened(fake, max_bytes=1000) as (transport, url):
        with pytest.raises(UpstreamProtocol):
            await transport.post(url, {}, BODY, SLOW)
        with pytest.raises(UpstreamProtocol):
            async with transport.stream(url, {}, BODY, SLOW) as reply:
                async for _ in reply.chunks():
                    pass


async def test_leaving_the_block_hangs_up():
    fake = FakeOpenAI(Endless(pause=0.01))
    async with opened(fake) as (transport, url):
        async with transport.stream(url, {}, BODY, SLOW) as reply:
            assert reply.status == 200 and reply.content_type == "text/event-stream"
            async for _ in reply.chunks():
                break
        await asyncio.wait_for(fake.calls[0].left.wait(), 8)


async def test_a_cut_is_told_apart_from_an_end():
    fake = FakeOpenAI(Sends([b"data: x\n\n"], then="cut"), Sends([b"data: x\n\n"]))
    async with opened(fake) as (transport, url):
        with pytest.raises(UpstreamProtocol) as caught:
            async with transport.stream(url, {}, BODY, SLOW) as reply:
                assert [chunk async for chunk in reply.chunks()] == [b"data: x\n\n"]
        assert caught.value.code == "upstream_stream_cut"
        async with transport.stream(url, {}, BODY, SLOW) as reply:
            assert [chunk async for chunk in reply.chunks()] == [b"data: x\n\n"]


async def test_how_long_a_pause_may_be_can_change():
    fake = FakeOpenAI(Sends([b"data: x\n\n"], then="silence"), Sends([b"data: x\n\n"], then="silence"))
    async with opened(fake) as (transport, url):
        with pytest.raises(UpstreamTimeout):
            async with asyncio.timeout(8), transport.stream(url, {}, BODY, SLOW) as reply:
                async for _ in reply.chunks():
                    reply.allow_silence(0.1)
        async with asyncio.timeout(8), transport.stream(url, {}, BODY, SLOW) as reply:
            async for _ in reply.chunks():
                reply.may_end(0.1)


async def test_outside_of_its_block_it_does_not_work():
    with pytest.raises(RuntimeError):
        await Transport(max_connections=1, max_bytes=1).post("http://127.0.0.1:9", {}, BODY, QUICK)


async def test_a_kept_connection_that_was_given_up_costs_no_answer():
    """The provider closes its idle connection just as the next request goes out on it."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"}")  # the second request on this connection is read, and not answered
        writer.close()

    connections = 0
    transport = Transport(max_connections=4, max_bytes=1000)
    async with listening(peer) as port, transport.running():
        url = f"http://127.0.0.1:{port}/"
        bodies = [(await transport.post(url, {}, b"{}", SLOW)).body for _ in range(2)]
    assert (bodies, connections) == ([b"ok", b"ok"], 2)


async def test_a_fresh_connection_that_breaks_is_not_tried_again():
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(1)
        await reader.readuntil(b"}")
        writer.close()

    came: list[int] = []
    transport = Transport(max_connections=4, max_bytes=1000)
    async with listening(peer) as port, transport.running():
        url = f"http://127.0.0.1:{port}/"
        with pytest.raises(UpstreamUnavailable):
            await transport.post(url, {}, b"{}", SLOW)
    assert came == [1]


async def test_the_callers_trace_goes_on_to_the_provider():
    fake = FakeOpenAI(Says("x"), Says("x"))
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with opened(fake) as (transport, url):
        await transport.post(url, {}, BODY, SLOW)
        current_traceparent.set(trace)
        await transport.post(url, {}, BODY, SLOW)
    assert "traceparent" not in fake.calls[0].headers
    assert fake.calls[1].headers["traceparent"] == trace
