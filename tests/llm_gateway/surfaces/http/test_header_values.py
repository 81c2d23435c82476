"""Nothing that a caller or a provider says becomes a line of an answer's head, or ends one: CR, LF and NUL stay out."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from fake_providers import Fails, FakeOpenAI, FakeVllm, Says
from service_kit.testing import running

from tests.llm_gateway.harness import CHAT, GENERATE, QUESTION, Stage, gateway, staged
from tests.peers import listening

BREAKS = ["\r", "\n", "\r\n", "\0", "\r\r\n"]


async def sent(stage: Stage, path: str, body: dict[str, Any], *lines: bytes) -> bytes:
    """The whole answer as it is on the wire, which a client's parser might have mended."""
    url = httpx.URL(stage.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    raw = json.dumps(body).encode()
    head = (f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {len(raw)}")
    writer.write(b"\r\n".join([*(line.encode() for line in head), *lines, b"Connection: close", b"", raw]))
    try:
        return await asyncio.wait_for(reader.read(), 8)
    finally:
        writer.close()
        await writer.wait_closed()


def head_of(answer: bytes) -> list[bytes]:
    """The lines of the head, none of which has a break in it or was not meant."""
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert not any(set(line) & set(b"\r\n\0") for line in lines)
    assert not any(line.lower().startswith(b"evil") for line in lines)
    return lines


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, GENERATE])
@pytest.mark.parametrize("breaking", BREAKS)
async def test_the_name_of_a_model_that_has_a_break_in_it(path: str, breaking: str, stream: bool):
    fake = FakeVllm(always=Says("Hola"))
    async with running(fake) as url, gateway(VLLM_BASE_URL=f"{url}/v1") as stage:
        body = {"model": f"vllm/x{breaking}Evil: 1", "messages": QUESTION, "stream": stream}
        lines = head_of(await sent(stage, path, body))
    assert lines[0].split()[1] in (b"200", b"400", b"404")


@pytest.mark.parametrize("unknown", [{"x" * 200_000: 1}, {f"x{n}": 1 for n in range(20_000)}], ids=["long", "many"])
async def test_names_of_dropped_fields_leave_a_head_that_clients_read(unknown: dict[str, Any]):
    async with gateway() as stage:
        lines = head_of(await sent(stage, CHAT, {"model": "offline", "messages": QUESTION, **unknown}))
    assert lines[0].split()[1] == b"200"
    assert any(line.startswith(b"x-dropped-params: x") for line in lines)
    assert max(map(len, lines)) < 2000


@pytest.mark.parametrize("breaking", BREAKS[:2])
async def test_a_wait_that_a_provider_asks_for_with_a_break_in_it(breaking: str):
    """Its head is refused as a whole, since two readers would disagree on it."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        value = f"1{breaking}Evil: 1"
        writer.write(f"HTTP/1.1 429 No\r\nRetry-After: {value}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        await writer.drain()
        await reader.read()

    async with (
        listening(peer) as port,
        gateway(OPENAI_API_KEY="k", OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1") as it,
    ):
        answer = await sent(it, CHAT, {"model": "gpt-4o", "messages": QUESTION})
    assert head_of(answer)[0].split()[1] == b"502"


@pytest.mark.parametrize("name", [b"X-Request-ID", b"X-User-ID", b"X-Request-Timeout", b"Cache-Control", b"X-Other"])
@pytest.mark.parametrize("breaking", [b"\r", b"\n", b"\0"])
async def test_a_callers_header_with_a_break_in_it_is_a_bad_request(name: bytes, breaking: bytes):
    async with staged(FakeOpenAI()) as stage:
        answer = await sent(
            stage, CHAT, {"model": "gpt-4o", "messages": QUESTION}, name + b": a" + breaking + b"Evil: 1"
        )
    assert head_of(answer)[0].split()[1] == b"400"


async def test_a_code_of_an_error_with_a_break_in_it_stays_in_the_body():
    async with staged(FakeOpenAI(Fails(429, "a\r\nEvil: 1", retry_after="7"))) as stage:
        lines = head_of(await sent(stage, CHAT, {"model": "gpt-4o", "messages": QUESTION}))
    assert b"retry-after: 7" in [line.lower() for line in lines]
