"""The check of `json_rpc` on each way in: before an ASGI application, and on the lines of standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
from mcp.types import INVALID_REQUEST
from pydantic_core import to_json
from service_kit.telemetry.logs import get_logger
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_toolbox.server.json_rpc import Refusal, id_in, refusal_of
from mcp_toolbox.upstream.lines import Lines, TooLong

_log = get_logger(__name__)

_CHUNK = 64 * 1024


class CheckedMessages:
    """Answers a POST whose body is no message with 400 and a JSON-RPC error; `app` gets all others. A body of more than
    `limit` bytes is left to `app`, which refuses it by its size. `refused` may find a reason to refuse a message in its
    headers."""

    def __init__(
        self, app: ASGIApp, limit: int, transport: str, refused: Callable[[Scope], str | None] = lambda _: None
    ) -> None:
        self._refused = refused
        self._app = app
        self._limit = limit
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            return await self._app(scope, receive, send)
        body, messages = await self._read(receive)
        refusal = refusal_of(body) if body is not None else None
        if body is not None and refusal is None and (reason := self._refused(scope)):
            refusal = Refusal(INVALID_REQUEST, reason, id_in(body))
        if refusal is not None:
            note(refusal, self._transport, len(body or b""))
            response = Response(to_json(refusal.to_wire()), 400, media_type="application/json")
            return await response(scope, receive, send)
        return await self._app(scope, _replayed(messages, receive), send)

    async def _read(self, receive: Receive) -> tuple[bytes | None, list[Message]]:
        """Returns the body, None if it is too large or the client left, and what was received."""
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request":
                return None, messages
            size += len(message.get("body", b""))
            if size > self._limit:
                return None, messages
            if not message.get("more_body", False):
                return b"".join(part.get("body", b"") for part in messages), messages


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def received() -> Message:
        for message in waiting:
            return message
        return await receive()

    return received


class StandardInput:
    """The lines of standard input that are messages, for the SDK; `refuse` answers the others once it is set. While it
    is open, the descriptor 0 is the null device, so that no child reads from the client."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._refuse: Callable[[Refusal], Awaitable[None]] | None = None
        self._opened = anyio.Event()

    def answer_with(self, refuse: Callable[[Refusal], Awaitable[None]]) -> None:
        """Sets what sends a refusal."""
        self._refuse = refuse
        self._opened.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        descriptor = os.dup(sys.stdin.fileno())  # not inherited, as every descriptor that Python makes
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
        lines = Lines(self._limit)
        while data := await anyio.to_thread.run_sync(os.read, descriptor, _CHUNK, abandon_on_cancel=True):
            for line in lines.feed(data):
                if await self._is_message(line) and isinstance(line, bytes):
                    yield line.decode()
        if lines.rest and await self._is_message(lines.rest):
            yield lines.rest.decode()

    async def _is_message(self, line: bytes | TooLong) -> bool:
        if isinstance(line, TooLong):
            text = f"Invalid request: the message has {line.size} bytes, and at most {self._limit} are taken"
            refusal, size = Refusal(INVALID_REQUEST, text, line.answers), line.size
        elif not line.strip():
            return False
        else:
            refusal, size = refusal_of(line), len(line)
        if refusal is None:
            return True
        note(refusal, "stdio", size)
        await self._opened.wait()
        assert self._refuse is not None
        await self._refuse(refusal)
        return False


def note(refusal: Refusal, transport: str, size: int) -> None:
    """Logs a refusal, without anything of what was refused."""
    _log.warning("message refused", transport=transport, code=refusal.code, reason=refusal.message, bytes=size)
