"""Which limit ends a call, and what may be sent again: one error a limit, streamed or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from llm_gateway.errors import (
    ProviderSaturated,
    UpstreamConnectTimeout,
    UpstreamError,
    UpstreamFirstByteTimeout,
    UpstreamIdleTimeout,
    UpstreamProtocol,
    UpstreamSilent,
    UpstreamTotalTimeout,
    UpstreamUnavailable,
)
from llm_gateway.net.timeouts import Timeouts
from llm_gateway.net.transport import Transport
from llm_gateway.routing.retry import COUNTED, RetryScope, retry_scope

from tests.peers import Peer, listening

LONG = Timeouts(connect=5, first_token=20, idle=20, total=20)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@asynccontextmanager
async def calling(peer: Peer, **limits: float) -> AsyncIterator[tuple[Transport, str, Timeouts]]:
    transport = Transport(max_connections=4, max_bytes=100_000)
    async with listening(peer) as port, transport.running():
        yield transport, f"http://127.0.0.1:{port}/", msgspec.structs.replace(LONG, **limits)


async def called(transport: Transport, url: str, timeouts: Timeouts, *, streamed: bool) -> bytes:
    if not streamed:
        return (await transport.post(url, {}, b"{}", timeouts)).body
    async with transport.stream(url, {}, b"{}", timeouts) as reply:
        return b"".join([chunk async for chunk in reply.chunks()])


def says(*pieces: bytes | float, hang_up: bool = False) -> Peer:
    """Reads a request and writes these, with pauses; then is silent, or hangs up."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        for piece in pieces:
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            else:
                await asyncio.sleep(piece)
        if hang_up:
            writer.close()
        else:
            await reader.read()

    return peer


@STREAMED
async def test_nothing_at_all_is_a_first_byte_timeout(streamed: bool):
    async with calling(says(), first_token=0.1) as (transport, url, timeouts):
        with pytest.raises(UpstreamFirstByteTimeout):
            await asyncio.wait_for(called(transport, url, timeouts, streamed=streamed), 5)


@STREAMED
async def test_half_a_head_is_no_first_byte(streamed: bool):
    async with calling(says(b"HTTP/1.1 200 OK\r\nX:"), first_token=0.1) as (transport, url, timeouts):
        with pytest.raises(UpstreamFirstByteTimeout):
            await asyncio.wait_for(called(transport, url, timeouts, streamed=streamed), 5)


async def test_a_head_and_then_nothing_is_an_idle_timeout():
    async with calling(says(HEAD), idle=0.1) as (transport, url, timeouts):
        with pytest.raises(UpstreamIdleTimeout):
            await asyncio.wait_for(called(transport, url, timeouts, streamed=False), 5)


async def test_a_stream_may_think_for_as_long_as_its_first_token_may_take_and_pause_as_it_is_told():
    async with calling(says(HEAD, b"x"), idle=0.1, first_token=0.1) as (transport, url, timeouts):
        with pytest.raises(UpstreamIdleTimeout):
            await asyncio.wait_for(called(transport, url, timeouts, streamed=True), 5)


@STREAMED
async def test_a_trickle_meets_the_total(streamed: bool):
    trickle = says(HEAD, *[b"x", 0.02] * 99)
    async with calling(trickle, idle=0.5, first_token=0.5, total=0.3) as (transport, url, timeouts):
        with pytest.raises(UpstreamTotalTimeout):
            await asyncio.wait_for(called(transport, url, timeouts, streamed=streamed), 5)


async def test_the_total_runs_while_nobody_reads_and_frees_the_connection():
    left = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(HEAD + b"some")
        await reader.read()
        left.set()

    async with (
        calling(peer, total=0.2) as (transport, url, timeouts),
        transport.stream(url, {}, b"{}", timeouts) as reply,
    ):
        chunks = reply.chunks()
        assert await anext(chunks) == b"some"
        await asyncio.wait_for(left.wait(), 5)  # upstream is told, though nobody reads
        with pytest.raises(UpstreamTotalTimeout):
            await anext(chunks)


async def test_what_came_before_the_total_is_still_given():
    left = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(HEAD + b"some")(reader, writer)
        left.set()

    async with (
        calling(peer, total=0.1) as (transport, url, timeouts),
        transport.stream(url, {}, b"{}", timeouts) as reply,
    ):
        await asyncio.wait_for(left.wait(), 5)
        chunks = reply.chunks()
        assert await anext(chunks) == b"some"
        with pytest.raises(UpstreamTotalTimeout):
            await anext(chunks)


async def test_no_place_in_the_pool_is_saturation_which_counts_against_nobody():
    async with calling(says(), connect=0.1) as (transport, url, timeouts):
        held = [asyncio.ensure_future(called(transport, url, timeouts, streamed=False)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ProviderSaturated) as caught:
            await called(transport, url, timeouts, streamed=False)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
    error = caught.value
    assert (error.status, error.code, error.type) == (503, "gateway_saturated", "unavailable_error")
    assert error.headers() == {"retry-after": "1"} and error.asked_to_wait is None
    assert not isinstance(error, COUNTED) and retry_scope(error) is RetryScope.ELSEWHERE


async def test_a_handshake_that_does_not_end_is_a_connect_timeout():
    async with calling(says(), connect=0.1) as (transport, url, timeouts):
        with pytest.raises(UpstreamConnectTimeout):
            await called(transport, url.replace("http:", "https:"), timeouts, streamed=False)


@STREAMED
@pytest.mark.parametrize(("said", "code"), [(b"", "upstream_timeout"), (HEAD + b"x", "upstream_stream_cut")])
async def test_silence_that_ends_in_a_closed_connection_is_silence(streamed: bool, said: bytes, code: str):
    async with calling(says(said, 1.1, hang_up=True)) as (transport, url, timeouts):
        with pytest.raises(UpstreamSilent) as caught:
            await called(transport, url, timeouts, streamed=streamed)
    assert caught.value.code == code and retry_scope(caught.value) is RetryScope.ELSEWHERE


@STREAMED
async def test_a_connection_that_breaks_at_once_may_be_asked_again(streamed: bool):
    async with calling(says(hang_up=True)) as (transport, url, timeouts):
        with pytest.raises(UpstreamUnavailable) as caught:
            await called(transport, url, timeouts, streamed=streamed)
    assert retry_scope(caught.value) is RetryScope.SAME


@pytest.mark.parametrize("limit", ["first_token", "idle", "total"])
async def test_a_limit_is_the_one_that_was_meant_however_early_the_timer_fires(limit: str):
    """uvloop's timers may fire a millisecond before their time by the clock: fifty calls, no other error."""
    peer = says() if limit == "first_token" else says(HEAD)
    expected: dict[str, type[UpstreamError]] = {
        "first_token": UpstreamFirstByteTimeout, "idle": UpstreamIdleTimeout, "total": UpstreamTotalTimeout,
    }  # fmt: skip
    transport = Transport(max_connections=100, max_bytes=1000)
    async with listening(peer) as port, transport.running():
        timeouts = msgspec.structs.replace(LONG, **{limit: 0.0505})
        calls = [called(transport, f"http://127.0.0.1:{port}/", timeouts, streamed=False) for _ in range(50)]
        failures = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(failure) for failure in failures} == {expected[limit]}


# --- what is sent again ---


def keeps(*, silent_for: float, second: bytes = b"") -> tuple[Peer, list[int]]:
    """Answers the first request of a connection; takes the second one, waits, says `second` and hangs up."""
    requests: list[int] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(requests)
        requests.append(0)
        await reader.readuntil(b"{}")
        requests[number] += 1
        writer.write(WHOLE)
        if number:
            await reader.read()
            return
        await reader.readuntil(b"{}")
        requests[number] += 1
        await asyncio.sleep(silent_for)
        writer.write(second)
        writer.close()

    return peer, requests


async def test_a_kept_connection_that_was_given_up_meanwhile_costs_no_answer_and_is_told():
    peer, requests = keeps(silent_for=0)
    async with calling(peer) as (transport, url, timeouts):
        replies = [await transport.post(url, {}, b"{}", timeouts) for _ in range(2)]
    assert [(reply.body, reply.sends) for reply in replies] == [(b"ok", 1), (b"ok", 2)]
    assert requests == [2, 1]


async def test_a_stream_on_such_a_connection_tells_it_too():
    peer, _ = keeps(silent_for=0)
    async with calling(peer) as (transport, url, timeouts):
        await transport.post(url, {}, b"{}", timeouts)
        async with transport.stream(url, {}, b"{}", timeouts) as reply:
            assert (reply.sends, await reply.read()) == (2, b"ok")


@STREAMED
@pytest.mark.parametrize(("silent_for", "second"), [(0.5, b""), (0, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")])
async def test_a_request_that_was_worked_on_does_not_go_out_again(streamed: bool, silent_for: float, second: bytes):
    peer, requests = keeps(silent_for=silent_for, second=second)
    async with calling(peer) as (transport, url, timeouts):
        await called(transport, url, timeouts, streamed=False)
        with pytest.raises((UpstreamUnavailable, UpstreamProtocol)):
            await called(transport, url, timeouts, streamed=streamed)
    assert requests == [2]


async def test_it_goes_out_again_once_and_on_a_new_connection():
    requests: list[bytes] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            requests.append(await reader.readuntil(b"{}"))
            if len(requests) > 2:  # both kept connections, and the new one, are given up
                return writer.close()
            while len(requests) < 2:
                await asyncio.sleep(0.001)
            writer.write(WHOLE)

    async with calling(peer) as (transport, url, timeouts):
        await asyncio.gather(*[called(transport, url, timeouts, streamed=False) for _ in range(2)])
        with pytest.raises(UpstreamUnavailable):
            await called(transport, url, timeouts, streamed=False)
    assert len(requests) == 4
