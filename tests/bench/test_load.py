"""The load generator against the real mock, and against servers that answer wrongly."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable

import pytest

from bench import marker
from bench.client import Run
from bench.load import drive
from bench.spec import MARK, Result, Spec
from bench.upstream import Mock, listen, port_of
from tests.peers import listening

BODY = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": f"hello {MARK}"}]})
STREAM = json.dumps({"stream": True, "messages": [{"role": "user", "content": f"hello {MARK}"}]})
CHAT = "/v1/chat/completions"


@pytest.fixture
async def mock() -> AsyncIterator[tuple[Mock, int]]:
    state = Mock()
    server = await listen(state)
    async with server:
        yield state, port_of(server)


@contextlib.asynccontextmanager
async def server(answer: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """Answers every request with what `answer` makes of its body, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            writer.write(answer(await reader.readexactly(length)))
            await writer.drain()
        writer.close()

    async with listening(serve) as port:
        yield port


def spec(port: int, **more: object) -> Spec:
    return Spec(**{"port": port, "path": CHAT, "body": BODY, "warmup_s": 0.05, "window_s": 0.2, **more})


def whole(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


@pytest.mark.parametrize("connections", [1, 16])
async def test_plain_answers_are_counted_and_timed(mock, connections):
    state, port = mock
    result = await drive(spec(port, connections=connections))
    assert result.errors == {}
    assert result.answered > 50
    assert state.completions == result.sent, "each request, warm-up included, reached the upstream once"
    assert result.p50_ms is not None
    assert result.p99_ms is not None
    assert 0 < result.p50_ms <= result.p99_ms
    assert result.per_second == pytest.approx(result.answered / result.window_s)


async def test_streams_are_whole_and_their_first_token_comes_before_their_end(mock):
    _, port = mock
    result = await drive(spec(port, body=STREAM, stream=True, chunks=5, gap_ms=4))
    assert result.errors == {}
    assert result.first_token_p50_ms is not None
    assert result.p50_ms is not None
    assert result.first_token_p50_ms + 4 * 4 * 0.7 < result.p50_ms, "four gaps lie between the first token and the end"
    assert result.tokens >= result.answered * 5 - 10


def test_every_request_differs_unless_told_not_to():
    varied, repeated = Run(spec(1)), Run(spec(1, varied=False))
    assert varied.request() != varied.request()
    assert repeated.request() == repeated.request()
    assert Run(spec(1)).request() != Run(spec(1)).request(), "nor does one run repeat another's"


async def test_another_request_s_answer_is_an_error():
    async with server(lambda body: whole(b'{"choices": "000000000000"}')) as port:
        result = await drive(spec(port))
    assert result.answered == 0
    assert result.errors["not this request's answer"] == result.sent


async def test_a_failing_system_is_reported_by_status():
    async with server(lambda body: whole(b"{}", "503 Service Unavailable")) as port:
        result = await drive(spec(port))
    assert result.answered == 0
    assert set(result.errors) == {"status 503"}


async def test_a_stream_that_loses_a_token_is_an_error():
    def short(body: bytes) -> bytes:
        ask = marker.read(body)
        assert ask is not None
        return whole(b"data: tok " + ask.nonce + b"\n\ndata: [DONE]\n\n")

    async with server(short) as port:
        result = await drive(spec(port, body=STREAM, stream=True, chunks=2))
    assert set(result.errors) == {"tokens lost or doubled"}


async def test_a_stream_without_its_end_is_an_error():
    def cut(body: bytes) -> bytes:
        ask = marker.read(body)
        assert ask is not None
        return whole(b"data: tok " + ask.nonce + b"\n\n")

    async with server(cut) as port:
        result = await drive(spec(port, body=STREAM, stream=True))
    assert set(result.errors) == {"stream without its end"}


async def test_a_system_that_is_not_there_is_an_error():
    async with server(whole) as port:
        pass
    result = await drive(spec(port))
    assert result.answered == 0
    assert result.errors["connection refused"] > 0


async def test_a_silent_system_is_an_error_and_not_a_hang():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(silent) as port:
        result: Result = await asyncio.wait_for(drive(spec(port, answer_timeout_s=0.2)), 5)
    assert result.errors == {"no answer in time": 1}


async def test_gaps_are_those_between_tokens_and_the_ramp_spreads_the_streams(mock):
    state, port = mock
    began = asyncio.get_running_loop().time()
    paced = spec(port, body=STREAM, stream=True, chunks=6, gap_ms=20, connections=4, ramp_s=0.2, window_s=0.4)
    result = await drive(paced)
    assert result.errors == {}
    assert asyncio.get_running_loop().time() - began > 0.2 + 0.05 + 0.4, "the ramp is no part of the window"
    assert result.gap_p50_ms is not None
    assert result.gap_p99_ms is not None
    assert 15 < result.gap_p50_ms <= result.gap_p99_ms
    assert state.completions == result.sent


async def test_tokens_that_arrive_together_have_no_gap():
    def at_once(body: bytes) -> bytes:
        ask = marker.read(body)
        assert ask is not None
        return whole(b"data: tok data: tok data: tok " + ask.nonce + b"\n\ndata: [DONE]\n\n")

    async with server(at_once) as port:
        result = await drive(spec(port, body=STREAM, stream=True, chunks=3))
    assert result.errors == {}
    assert (result.gap_p50_ms, result.gap_p99_ms) == (0.0, 0.0)
