"""A gateway that answers what its script says, over the native API."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from service_kit.testing import running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass(frozen=True)
class Answer:
    """A complete answer. `text` is streamed word by word with `pause` seconds between; `calls` come from `call`.

    `model` None answers as the model that was asked. `cut` ends the stream after the text, without `[DONE]`;
    `stall` waits that many seconds before it goes on after the text.
    """

    text: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    model: str | None = None
    provider: str = "scripted"
    tokens: tuple[int, int] = (10, 5)
    cost_usd: float | None = 0.001
    fallback_from: str | None = None
    reasoning_details: tuple[dict[str, Any], ...] = ()
    pause: float = 0.0
    stall: float = 0.0
    cut: bool = False


@dataclass(frozen=True)
class Refusal:
    """An error before the stream has begun; `body` replaces the envelope."""

    status: int
    code: str = "scripted_error"
    message: str = "as the script says"
    retry_after: float | None = None
    body: bytes | None = None


@dataclass(frozen=True)
class ErrorEvent:
    """An error in the middle of a stream, after `text`."""

    code: str
    message: str
    type: str = "server_error"
    text: str = ""


@dataclass(frozen=True)
class Raw:
    """Bytes instead of a stream, again and again if `forever`."""

    body: bytes
    forever: bool = False


Reply = Answer | Refusal | ErrorEvent | Raw
Brain = Callable[[dict[str, Any]], Reply]


def call(name: str, args: dict[str, Any] | str, *, id: str | None = None) -> dict[str, Any]:
    """A tool call for an `Answer`; `args` as text goes out as it is, be it JSON or not."""
    text = args if isinstance(args, str) else msgspec.json.encode(args).decode()
    return {"id": id or f"call_{name}", "name": name, "args": text}


@dataclass
class ScriptedGateway:
    """Answers from `script` in order, then from `brain`; complains loudly when it has neither.

    `requests` are the bodies that came, `headers` theirs; `abandoned` counts the streams that a client left.
    """

    script: Iterable[Reply] = ()
    brain: Brain | None = None
    models: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"name": "bedrock-nova-pro", "provider": "aws", "description": "", "available": False},
            {"name": "gpt-4o", "provider": "openai", "description": "", "available": True},
            {"name": "offline", "provider": "offline", "description": "", "available": True},
            {"name": "local", "provider": "local", "description": "", "available": True, "supports": ["stream"]},
        ]
    )
    default: str | None = "offline"
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    abandoned: int = 0

    def __post_init__(self) -> None:
        self._script = deque(self.script)

    def then(self, *replies: Reply) -> None:
        """Add to the script."""
        self._script.extend(replies)

    @property
    def app(self) -> Starlette:
        """The gateway as an ASGI application."""
        return Starlette(
            routes=[
                Route("/mcp/llm/list", self._list, methods=["GET"]),
                Route("/mcp/llm/generate", self._generate, methods=["POST"]),
            ]
        )

    @asynccontextmanager
    async def running(self, **config: Any) -> AsyncIterator[str]:
        """The gateway on an ephemeral loopback port; gives its base URL."""
        async with running(self.app, **config) as url:
            yield url

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"llms": self.models} | ({"default": self.default} if self.default else {}))

    async def _generate(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        reply = self._next(body)
        if isinstance(reply, Refusal):
            return _refuse(reply)
        return StreamingResponse(self._watched(_events(reply, body["model"])), media_type="text/event-stream")

    def _next(self, body: dict[str, Any]) -> Reply:
        if self._script:
            return self._script.popleft()
        if self.brain is not None:
            return self.brain(body)
        return Refusal(500, "script_exhausted", f"the script has no answer to {body['messages'][-1]}")

    async def _watched(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for event in events:
                yield event
        except (asyncio.CancelledError, GeneratorExit):
            self.abandoned += 1
            raise


def _refuse(reply: Refusal) -> Response:
    headers = {"Retry-After": f"{reply.retry_after:g}"} if reply.retry_after else {}
    if reply.body is not None:
        return Response(reply.body, reply.status, headers)
    envelope = {"message": reply.message, "type": "scripted", "code": reply.code, "param": None, "request_id": "r"}
    return JSONResponse({"error": envelope}, reply.status, headers)


async def _events(reply: Answer | ErrorEvent | Raw, asked: str) -> AsyncIterator[bytes]:
    if isinstance(reply, Raw):
        yield reply.body
        while reply.forever:
            await asyncio.sleep(0)
            yield reply.body
        return
    pause = reply.pause if isinstance(reply, Answer) else 0.0
    for index, word in enumerate(reply.text.split(" ") if reply.text else ()):
        yield _event({"content": word if index == 0 else f" {word}"})
        await asyncio.sleep(pause)
    if isinstance(reply, ErrorEvent):
        yield _event({"error": {"message": reply.message, "type": reply.type, "code": reply.code, "param": None}})
        return
    if reply.stall:
        await asyncio.sleep(reply.stall)
    if reply.cut:
        return
    for chunk in _call_chunks(reply.calls):
        yield _event(chunk)
    yield _event({"finish_reason": _finish_reason(reply)})
    yield _event(_summary(reply, asked))
    yield b"data: [DONE]\n\n"


def _call_chunks(calls: tuple[dict[str, Any], ...]) -> Iterable[dict[str, Any]]:
    for index, item in enumerate(calls):
        middle = len(item["args"]) // 2
        first = {"index": index, "id": item["id"], "name": item["name"], "args_delta": item["args"][:middle]}
        yield {"tool_calls": [first]}
        yield {"tool_calls": [{"index": index, "args_delta": item["args"][middle:]}]}


def _finish_reason(reply: Answer) -> str:
    return "tool_calls" if reply.calls else "stop"


def _summary(reply: Answer, asked: str) -> dict[str, Any]:
    prompt, completion = reply.tokens
    return {
        "model": reply.model or asked,
        "provider": reply.provider,
        "provider_model": reply.model or asked,
        "finish_reason": _finish_reason(reply),
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "cached_tokens": 0,
            "reasoning_tokens": 0,
        },
        "cost_usd": reply.cost_usd,
        "cost_source": "unknown" if reply.cost_usd is None else "computed",
        "latency_ms": 1.0,
        "cached": False,
        "request_id": "r",
    } | {
        name: value
        for name, value in (("fallback_from", reply.fallback_from), ("reasoning_details", reply.reasoning_details))
        if value
    }


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
