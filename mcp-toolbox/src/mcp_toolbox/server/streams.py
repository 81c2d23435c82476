"""Wrappers for the SDK's HTTP transports: streams that end when the service drains, and refusals as JSON-RPC errors."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import INVALID_REQUEST
from pydantic_core import from_json, to_json
from sse_starlette.sse import AppStatus
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AsgiResponse(Response):
    """A response that runs an ASGI application, so that the application can be a documented route."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def let_answers_finish() -> None:
    """Keeps the SDK's event streams open in this process when the server is told to stop.

    The SDK's library for event streams would cut each one half a second later, and with it the answer of a call that is
    still running. Streams that end by themselves may do so within the grace period, and `UntilDrained` ends the others.
    """
    AppStatus.disable_automatic_graceful_drain()


class Ending(Protocol):
    """Something to wait for before a stream ends, such as an event."""

    async def wait(self) -> object: ...


_LAST_WORDS_SECONDS = 0.1
"""The time that an answer has to be written to its stream after its call has ended."""


class DrainedAndIdle:
    """Waits until the service drains and no tool call is running. As middleware of the server, it counts the running
    calls."""

    def __init__(self, drained: asyncio.Event) -> None:
        self._drained = drained
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call":
            return await call_next(ctx)
        self._running += 1
        self._idle.clear()
        try:
            return await call_next(ctx)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def wait(self) -> None:
        """Waits until the service drains, no tool call is running, and the last answer has had time to be written."""
        await self._drained.wait()
        await self._idle.wait()
        await asyncio.sleep(_LAST_WORDS_SECONDS)


class UntilDrained:
    """Runs `app` until the client leaves or the service drains, and then ends the response properly.

    A server that stops waits for open connections, and these streams would never end by themselves.
    """

    def __init__(self, app: ASGIApp, drained: Ending) -> None:
        self._app = app
        self._drained = drained

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        unfinished = False

        async def watched(message: Message) -> None:
            nonlocal unfinished
            unfinished = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        async def received() -> Message:
            return await self._receive(receive)

        await self._app(scope, received, watched)
        if unfinished:
            await send({"type": "http.response.body", "body": b""})

    async def _receive(self, receive: Receive) -> Message:
        """Returns the next message, or a disconnect as soon as the service drains."""
        reading = asyncio.ensure_future(receive())
        draining = asyncio.ensure_future(self._drained.wait())
        try:
            done, _ = await asyncio.wait({reading, draining}, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading in done else {"type": "http.disconnect"}
        finally:
            reading.cancel()
            draining.cancel()


class JsonRpcRefusals:
    """Replaces the body of each refusal of `app` (a status of 400 or more) by a short JSON-RPC error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, _Translated(send))


class _Translated:
    """A `send` that holds a refusal back until it is complete."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._refusal: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            self._refusal = message
        elif self._refusal is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._answer(self._refusal)

    async def _answer(self, refusal: Message) -> None:
        body = to_json(_json_rpc_error(refusal["status"], self._body))
        kept = [(name, value) for name, value in refusal.get("headers", ()) if name.lower() not in _REPLACED]
        own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({**refusal, "status": int(refusal["status"]), "headers": [*kept, *own]})
        await self._send({"type": "http.response.body", "body": body})


_REPLACED = (b"content-type", b"content-length")
_WORDS = {
    405: "Method not allowed",
    406: "Not acceptable: the client must accept both application/json and text/event-stream",
}


def _json_rpc_error(status: int, body: bytes) -> Any:
    """Returns the SDK's refusal as a JSON-RPC error; of a validation report only the first line is kept."""
    try:
        answer = from_json(body)
    except ValueError:
        text = body.decode("utf-8", "replace") or _WORDS.get(status, "The request was refused")
        return {"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": text}}
    if answer["id"] is None:
        answer["error"]["message"] = answer["error"]["message"].partition("\n")[0]
    return answer
