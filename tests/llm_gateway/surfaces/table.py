"""Every way to ask the gateway for an answer, as one table: a new one is a row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
import msgspec
from llm_gateway.surfaces.rpc.generated import ai_service_pb2 as pb
from websockets.asyncio.client import connect

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import Stage

MAX_TOKENS = 50


@dataclass(frozen=True)
class Entrance:
    """A running gateway, and the port of its gRPC."""

    stage: Stage
    grpc_port: int


@dataclass(frozen=True)
class Told:
    """What a client was told: `code` of an error, `cost` in USD, `cached`, each as far as this way tells it."""

    text: str = ""
    headers: Mapping[str, str] | None = None
    code: str | None = None
    cost: float | None = None
    cached: bool | None = None


@dataclass(frozen=True)
class Way:
    """A way in; `method` is what records and metrics call it."""

    name: str
    method: str
    ask: Callable[[Entrance, str, str], Awaitable[Told]] = field(repr=False)

    def __repr__(self) -> str:
        return self.name


def _over_http(path: str, body: Callable[[str, str], dict[str, Any]], read: Callable[[httpx.Response], Told]) -> Any:
    async def ask(entrance: Entrance, prompt: str, model: str) -> Told:
        answer = await entrance.stage.http.post(path, json=body(prompt, model))
        if answer.status_code != 200:
            error = answer.json()["error"]
            return Told(code=error.get("code"), headers=answer.headers)
        return read(answer)

    return ask


def _chat(prompt: str, model: str) -> dict[str, Any]:
    return {"model": model, "max_tokens": MAX_TOKENS, "messages": [{"role": "user", "content": prompt}]}


def _responses(prompt: str, model: str) -> dict[str, Any]:
    return {"model": model, "max_output_tokens": MAX_TOKENS, "input": prompt}


def _prompt(prompt: str, model: str) -> dict[str, Any]:
    return {"model": model, "maxTokens": MAX_TOKENS, "prompt": prompt}


def _batch(prompt: str, model: str) -> dict[str, Any]:
    return {"requests": [_prompt(prompt, model)]}


def _headed(text: Callable[[Any], str]) -> Callable[[httpx.Response], Told]:
    """A reader of what tells its cost and its cache by headers alone."""

    def read(answer: httpx.Response) -> Told:
        headers = answer.headers
        hit = headers["x-cache"] in ("hit", "coalesced")
        return Told(text(answer.json()), headers, None, float(headers["x-response-cost-usd"]), hit)

    return read


def _chunks(chunks: list[dict[str, Any]], headers: Mapping[str, str] | None) -> Told:
    """The chunks of the prompt API, the last of which has the totals or the error."""
    last = next(chunk for chunk in chunks if chunk.get("finished"))
    text = "".join(chunk.get("content", "") for chunk in chunks)
    return Told(text, headers, last.get("code"), last.get("costUsd"), last.get("cached"))


def _item(answer: httpx.Response) -> Told:
    [item] = answer.json()["responses"]
    return Told(item.get("content", ""), None, item.get("code"), item.get("costUsd"), item.get("cached"))


async def _socket(entrance: Entrance, prompt: str, model: str) -> Told:
    async with connect(f"{entrance.stage.url.replace('http', 'ws', 1)}/ws") as socket:
        await socket.send(msgspec.json.encode(_prompt(prompt, model)).decode())
        chunks = [msgspec.json.decode(await socket.recv())]
        while not chunks[-1]["finished"]:
            chunks.append(msgspec.json.decode(await socket.recv()))
    return _chunks(chunks, None)


def _rpc(method: str, *, stream: bool) -> Any:
    async def ask(entrance: Entrance, prompt: str, model: str) -> Told:
        message = pb.GenerateRequest(prompt=prompt, model=model, max_tokens=MAX_TOKENS)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{entrance.grpc_port}") as channel:
            open_ = channel.unary_stream if stream else channel.unary_unary
            read = (pb.GenerateChunk if stream else pb.GenerateResponse).FromString
            call: Any = open_(f"/proto.AIService/{method}", pb.GenerateRequest.SerializeToString, read)(message)
            try:
                parts = [part async for part in call] if stream else [await call]
            except grpc.aio.AioRpcError as error:
                trailers = {str(name): str(value) for name, value in error.trailing_metadata() or ()}
                return Told(code=trailers["x-error-code"], headers=trailers)
            headers = {str(name): str(value) for name, value in await call.initial_metadata()}
        text = "".join(part.content for part in parts)
        return Told(text, headers, None, parts[-1].cost_usd, parts[-1].cached)

    return ask


WAYS = (
    Way(
        "chat completions", "chat.completions",
        _over_http("/v1/chat/completions", _chat, _headed(lambda body: body["choices"][0]["message"]["content"])),
    ),
    Way(
        "responses", "responses",
        _over_http("/v1/responses", _responses, _headed(lambda body: body["output"][0]["content"][0]["text"])),
    ),
    Way("messages", "messages", _over_http("/v1/messages", _chat, _headed(lambda body: body["content"][0]["text"]))),
    Way("native", "generate", _over_http("/mcp/llm/generate", _chat, _headed(lambda body: body["content"]))),
    Way("prompt", "prompt", _over_http("/api/v1/generate", _prompt, _headed(lambda body: body["content"]))),
    Way(
        "prompt stream", "prompt",
        _over_http("/api/v1/generate/stream", _prompt, lambda answer: _chunks(events(answer.content), answer.headers)),
    ),
    Way("batch", "prompt.batch", _over_http("/api/v1/generate/batch", _batch, _item)),
    Way(
        "batch stream", "prompt.batch",
        _over_http("/api/v1/generate/batch/stream", _batch, lambda answer: _chunks(events(answer.content), None)),
    ),
    Way("socket", "prompt.socket", _socket),
    Way("gRPC", "grpc", _rpc("Generate", stream=False)),
    Way("gRPC stream", "grpc", _rpc("GenerateStream", stream=True)),
)  # fmt: skip
