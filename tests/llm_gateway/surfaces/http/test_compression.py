"""Answers over 1 KiB are compressed for clients that ask for it, and streams never."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import msgspec
import pytest
from fake_providers import FakeOpenAI, Says
from llm_gateway.surfaces.http.compression import accepted, zstd

from tests.llm_gateway.harness import Stage, gateway, staged

LONG = "palabras " * 200
DECODE: dict[str, Any] = {"gzip": gzip.decompress, "zstd": zstd.decompress}


async def raw(stage: Stage, path: str, accept: str | None, body: Any = None) -> tuple[httpx.Headers, bytes]:
    """An answer's headers, and its bytes as they came."""
    request = stage.http.build_request("POST" if body else "GET", path, json=body)
    request.headers.pop("accept-encoding", None)
    if accept is not None:
        request.headers["accept-encoding"] = accept
    response = await stage.http.send(request, stream=True)
    sent = b"".join([chunk async for chunk in response.aiter_raw()])
    await response.aclose()
    assert response.status_code == 200 and int(response.headers.get("content-length", len(sent))) == len(sent)
    return response.headers, sent


PROMPT = {"prompt": "Hola", "model": "gpt-4o"}
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hola"}]}
ROUTES = [
    ("/api/v1/generate", PROMPT), ("/api/v1/generate/batch", {"requests": [PROMPT]}), ("/v1/chat/completions", CHAT),
    ("/mcp/llm/generate", CHAT), ("/api/v1/models", None), ("/mcp/llm/list", None),
]  # fmt: skip


@pytest.mark.parametrize("coding", DECODE)
@pytest.mark.parametrize(("path", "body"), ROUTES, ids=[path for path, _ in ROUTES])
async def test_a_long_answer_is_compressed(path: str, body: Any, coding: str):
    async with staged(FakeOpenAI(always=Says(LONG))) as stage:
        headers, sent = await raw(stage, path, coding, body)
        _, plain = await raw(stage, path, "identity", body)
    assert headers["content-encoding"] == coding and "Accept-Encoding" in headers["vary"]
    assert len(sent) < len(plain)
    assert msgspec.json.decode(DECODE[coding](sent)).keys() <= msgspec.json.decode(plain).keys()


async def test_what_is_short_or_not_asked_for_is_sent_as_it_is():
    async with staged(FakeOpenAI(Says("x"), Says(LONG))) as stage:
        short, _ = await raw(stage, "/api/v1/generate", "gzip", PROMPT)
        for accept in (None, "identity", "br", "gzip;q=0"):
            headers, _ = await raw(stage, "/api/v1/generate", accept, {**PROMPT, "prompt": "otra"})
            assert "content-encoding" not in headers
    assert "content-encoding" not in short


@pytest.mark.parametrize("path", ["/api/v1/generate/stream", "/api/v1/generate/batch/stream", "/mcp/llm/generate"])
async def test_a_stream_never_is(path: str):
    body: Any = {"requests": [PROMPT]} if "batch" in path else CHAT | {"stream": True} if "mcp" in path else PROMPT
    async with staged(FakeOpenAI(always=Says(LONG))) as stage:
        headers, sent = await raw(stage, path, "gzip, zstd", body)
    assert "content-encoding" not in headers and sent.startswith(b"data: ")


async def test_an_error_is_readable_whatever_is_asked_for():
    async with gateway() as stage:
        answer = await stage.http.post("/api/v1/generate", json={"prompt": "x", "model": "n" * 3000})
    assert answer.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (b"gzip, deflate, br, zstd", b"zstd"), (b"gzip", b"gzip"), (b"GZIP;q=1.0", b"gzip"), (b"*", b"zstd"),
        (b"zstd;q=0.5, gzip", b"gzip"), (b"*;q=0", None), (b"gzip;q=0, *", b"zstd"), (b"identity", None), (b"", None),
        (b"gzip;q=x", None), (b"br, deflate", None), (b"gzip," * 100, None),
    ],
)  # fmt: skip
def test_what_a_client_likes_best(header: bytes, coding: bytes | None):
    assert accepted(header) == coding
