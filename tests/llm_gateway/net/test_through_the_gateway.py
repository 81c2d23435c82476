"""What a client of the whole gateway sees of its network: shares, silence, proxies, other servers' habits."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from fake_providers import FakeOpenAI, Says, Sends, Silent
from service_kit.testing import running

from tests.certificates import Authority
from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import KEY, Stage, error_of, gateway, staged
from tests.peers import Peer, listening
from tests.proxy import basic, proxying
from tests.waiting import eventually


@asynccontextmanager
async def between(one: FakeOpenAI, other: FakeOpenAI, **environ: str) -> AsyncIterator[Stage]:
    """A gateway whose `gpt-4o` is at `one` and whose `vllm/x` is at `other`."""
    async with (
        running(one) as first,
        running(other) as second,
        gateway(
            OPENAI_API_KEY=KEY, OPENAI_BASE_URL=f"{first}/v1", VLLM_BASE_URL=f"{second}/v1", VLLM_API_KEY=KEY, **environ
        ) as stage,
    ):
        yield stage


async def test_a_provider_that_hangs_fills_its_share_and_the_others_answer():
    hung, healthy = FakeOpenAI(*[Silent()] * 9), FakeOpenAI(*[Says("sí")] * 6)
    limits = {"UPSTREAM_MAX_CONNECTIONS": "4", "UPSTREAM_CONNECT_TIMEOUT": "0.3", "CACHE_ENABLED": "false"}
    async with between(hung, healthy, **limits) as stage:
        asked = [asyncio.ensure_future(stage.chat()) for _ in range(6)]
        await eventually(lambda: len(hung.calls) == 2)
        for _ in range(3):
            answer = await stage.chat(model="vllm/x")
            assert answer.status_code == 200
        await eventually(lambda: sum(one.done() for one in asked) >= 4)
        done, waiting = await asyncio.wait(asked, timeout=0)
        for one in done:
            answer = one.result()
            error = error_of(answer)
            assert (answer.status_code, error["code"]) == (503, "gateway_saturated")
            assert answer.headers["retry-after"] == "1"
        health = (await stage.http.get("/health")).text
        assert '"open"' not in health  # its circuit
        assert (await stage.chat(model="vllm/x")).status_code == 200
        assert len(hung.calls) == 2, "those that found no place were never sent"
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("stream", [False, True])
async def test_silence_is_not_asked_again_though_it_ends_in_a_closed_connection(stream: bool):
    came: list[int] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        came.append(1)
        await asyncio.sleep(1.1)
        writer.close()

    async with listening(peer) as port, _at(port, UPSTREAM_RETRIES="2") as stage:
        answer = await stage.chat(stream=stream)
    assert (answer.status_code, error_of(answer)["code"], came) == (504, "upstream_timeout", [1])


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"]
)
async def test_a_plain_call_does_not_wait_for_its_total_in_silence(said: bytes):
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await reader.read()

    limits = {"UPSTREAM_FIRST_TOKEN_TIMEOUT": "0.2", "UPSTREAM_IDLE_TIMEOUT": "0.2", "UPSTREAM_TOTAL_TIMEOUT": "60"}
    async with listening(peer) as port, _at(port, **limits) as stage:
        began = time.monotonic()
        answer = await stage.chat()
    assert (answer.status_code, error_of(answer)["code"]) == (504, "upstream_timeout")
    assert time.monotonic() - began < 5


@asynccontextmanager
async def _at(port: int, **environ: str) -> AsyncIterator[Stage]:
    async with gateway(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1", **environ) as stage:
        yield stage


def _stream(text: str) -> bytes:
    pieces = [msgspec.json.encode(piece) for piece in Says(text).chunks({"model": "m"})]
    return b"".join(b"data: " + piece + b"\n\n" for piece in [*pieces, b"[DONE]"])


def _answers(head: str, body: bytes) -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body)
        await writer.drain()
        writer.close()

    return peer


STREAM = _stream("Hola")
LENGTH = f"content-length: {len(STREAM)}\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("", STREAM),
        ("content-type: text/plain\r\n", STREAM),
        ("content-type: application/octet-stream\r\n", STREAM),
        ("content-type: text/event-stream\r\ncontent-encoding: gzip\r\n", gzip.compress(STREAM)),
        (f"content-type: text/event-stream\r\n{LENGTH}{LENGTH}", STREAM),
        (f"content-type: text/event-stream\r\nx: a\r\n b\r\n{LENGTH}", STREAM),
        ("content-type: text/event-stream\r\n", b"\xef\xbb\xbf" + STREAM),
    ],
    ids=["no type", "text", "octets", "gzip", "two lengths", "folded", "byte order mark"],
)
async def test_a_stream_as_other_servers_send_it(head: str, body: bytes):
    async with listening(_answers(head, body)) as port, _at(port) as stage:
        answer = await stage.chat(stream=True)
    said = "".join(event["choices"][0]["delta"].get("content") or "" for event in events(answer.content)[:-1])
    assert (answer.status_code, said) == (200, "Hola")


async def test_an_error_in_json_that_answers_a_stream_is_read():
    error = b'{"error": {"message": "slow down", "code": 429}}'
    async with staged(FakeOpenAI(Sends([error], "application/json"))) as stage:
        answer = await stage.chat(stream=True)
    assert (answer.status_code, error_of(answer)["code"]) == (429, "upstream_rate_limited")


@pytest.mark.parametrize("stream", [False, True])
async def test_of_an_endless_error_as_much_is_read_as_says_which(stream: bool):
    async with staged(FakeOpenAI(Sends([b"x" * 1_000_000] * 50, "application/json", 500))) as stage:
        answer = await stage.chat(stream=stream)
    assert (answer.status_code, error_of(answer)["code"]) == (503, "upstream_unavailable")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_a_provider_is_reached_through_the_proxy_over_tls(tmp_path: Path, variable: str):
    authority = Authority(tmp_path)
    body = msgspec.json.encode(Says("sí").completion({"model": "gpt-4o"}))
    peer = _answers(f"content-type: application/json\r\ncontent-length: {len(body)}\r\n", body)
    async with (
        listening(peer, tls=authority.serving("model.test")) as port,
        proxying(wants=basic("user", "secret")) as proxy,
        gateway(
            OPENAI_API_KEY=KEY, OPENAI_BASE_URL=f"https://model.test:{port}/v1", SSL_CERT_FILE=str(authority.file),
            **{variable: f"http://user:secret@127.0.0.1:{proxy.port}"},
        ) as stage,
    ):  # fmt: skip
        answer = await stage.chat()
    assert answer.json()["choices"][0]["message"]["content"] == "sí"
    assert proxy.asked == [f"CONNECT model.test:{port}"]


async def test_no_proxy_leaves_it_out():
    fake = FakeOpenAI(Says("sí"))
    proxies = {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.0/8"}
    async with staged(fake, **proxies) as stage:
        assert (await stage.chat()).status_code == 200


async def test_a_proxy_that_is_down_is_told_without_its_password():
    async with staged(FakeOpenAI(), HTTP_PROXY="http://user:secret@127.0.0.1:1") as stage:
        answer = await stage.chat()
    assert (answer.status_code, error_of(answer)["code"]) == (503, "upstream_unavailable")
    assert "secret" not in answer.text and "127.0.0.1" not in answer.text


def _fails(head: str, body: bytes, *, then_waits: bool = False) -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\n".encode() + body)
        if then_waits:
            await reader.read()
        writer.close()

    return peer


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("head", "body", "waits"),
    [
        ("content-encoding: br\r\ncontent-length: 3\r\n", b"\x8b\x02\x80", False),
        ("content-encoding: gzip\r\n", gzip.compress(b'{"error": {}}')[:-9], False),
        ("content-encoding: gzip\r\ncontent-length: 0\r\n", b"", False),
        ("content-length: 999\r\n", b'{"error": {', False),
        ("transfer-encoding: chunked\r\n", b"ZZ\r\n", False),
        ("content-length: 999\r\n", b'{"error": {', True),
    ],
    ids=["unknown coding", "cut gzip", "empty gzip", "cut", "broken chunks", "silence"],
)
@pytest.mark.parametrize(("status", "code"), [(429, "upstream_rate_limited"), (401, "upstream_credentials")])
async def test_the_status_of_a_failure_decides_whatever_becomes_of_its_body(
    status: int, code: str, head: str, body: bytes, waits: bool, stream: bool
):
    peer = _fails(f"{status} No\r\nretry-after: 7\r\n{head}", body, then_waits=waits)
    async with listening(peer) as port, _at(port, UPSTREAM_IDLE_TIMEOUT="0.3") as stage:
        answer = await stage.chat(stream=stream)
    assert error_of(answer)["code"] == code
    if status == 429:
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


WHOLE = b'{"choices": [{"message": {"content": "Hola"}, "finish_reason": "stop"}]}'


@pytest.mark.parametrize("coding", ["utf-8", "none", "identity, identity", "aws-chunked", "gzip, identity"])
async def test_what_is_no_content_coding_changes_nothing(coding: str):
    body = gzip.compress(WHOLE) if "gzip" in coding else WHOLE
    async with listening(_answers(f"content-encoding: {coding}\r\n", body)) as port, _at(port) as stage:
        answer = await stage.chat()
    assert answer.json()["choices"][0]["message"]["content"] == "Hola"


async def test_a_stream_that_was_said_whole_needs_no_end_of_its_compression():
    said = b'data: {"choices": [{"index": 0, "delta": {"content": "Hola"}, "finish_reason": "stop"}]}\n\n'
    flushed = zlib.compressobj(wbits=31)
    body = flushed.compress(said) + flushed.flush(zlib.Z_SYNC_FLUSH)
    head = "content-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
    async with listening(_answers(head, body)) as port, _at(port) as stage:
        answer = await stage.chat(stream=True)
    assert events(answer.content)[-1] == "[DONE]"
