"""Sends whole answers, streams and refusals of one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from typing import Protocol, cast

from service_kit import language
from service_kit.errors import ApiError
from service_kit.language import Language
from starlette.types import Message, Scope, Send

from llm_gateway.canonical.answer import Answer, AnswerMeta
from llm_gateway.dialects.native.server import NativeServer
from llm_gateway.dialects.protocols import StreamEncoder
from llm_gateway.pipeline.caller import Disconnect
from llm_gateway.pipeline.live_call import LiveCall
from llm_gateway.surfaces.http.answer_headers import answer_headers, stream_headers
from llm_gateway.surfaces.http.keep_alive import KeepAlive

_JSON = (b"content-type", b"application/json")
_EVENTS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class ErrorRenderer(Protocol):
    """A dialect, as far as a refusal goes."""

    def render_error(self, error: ApiError, request_id: str) -> bytes: ...


def language_of(scope: Scope, *, for_people: bool) -> Language:
    """Returns the language of an error's text. Clients of the vendors' APIs search such texts for English words, so
    that these surfaces speak Spanish only to a client that asks for it."""
    if for_people:
        return scope["state"].get("language", "en")
    asked = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"), None)
    return language.choose(asked, "en")


class Exchange:
    """Sends the answer to one request, or its refusal in the words of `dialect`.

    `begun` says that the status is sent: a later failure is told in the body.
    """

    __slots__ = ("_dialect", "_disconnect", "_now", "_scope", "_send_unlimited", "begun", "request_id")

    def __init__(self, scope: Scope, send: Send, dialect: ErrorRenderer, disconnect: Disconnect) -> None:
        self._scope = scope
        self._send_unlimited = send
        self._disconnect = disconnect
        self._now = asyncio.get_running_loop().time
        self._dialect = dialect
        self.request_id: str = scope["state"]["request_id"]
        self.begun = False

    async def _send(self, message: Message) -> None:
        disconnect = self._disconnect
        disconnect.sending_since = self._now()
        await self._send_unlimited(message)
        disconnect.sending_since = 0.0

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def _body(self, body: bytes, *, more: bool = False) -> Awaitable[None]:
        return self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def respond(self, answer: AnswerMeta, body: bytes) -> None:
        headers = [_JSON, (b"content-length", b"%d" % len(body)), *answer_headers(answer)]
        await self._start(200, headers)
        await self._body(body)

    def told(self, error: ApiError) -> ApiError:
        """Returns the error in the language of its reader."""
        return error.told_in(language_of(self._scope, for_people=isinstance(self._dialect, NativeServer)))

    async def respond_plain(self, body: bytes) -> None:
        """Sends a whole JSON answer that no single call gave."""
        await self._start(200, [_JSON, (b"content-length", b"%d" % len(body))])
        await self._body(body)

    async def refuse(self, error: ApiError) -> None:
        error = self.told(error)
        body = self._dialect.render_error(error, self.request_id)
        extra = [(name.encode(), value.encode()) for name, value in error.headers().items()]
        await self._start(error.status, [_JSON, (b"content-length", b"%d" % len(body)), *extra])
        await self._body(body)

    async def begin(self) -> None:
        """Sends the head of a stream that no single call gives."""
        await self._start(200, _EVENTS)

    async def event(self, data: bytes) -> None:
        """Sends a piece of a stream that has begun."""
        await self._body(data, more=True)

    async def beat(self) -> None:
        """Sends a comment, which readers of server-sent events skip."""
        if not self.begun:
            await self.begin()
        await self._body(b": keep-alive\n\n", more=True)

    async def stream(self, call: LiveCall[Answer], encoder: StreamEncoder, alive: KeepAlive) -> None:
        """Sends each piece as it comes, and the end. Raises what the call raises."""
        opened = False
        async with aclosing(call.batches()) as batches:  # type: ignore[type-var]
            async for events in batches:
                alive.touch()
                if not opened:
                    opened = True
                    if not self.begun:
                        await self._start(200, [*_EVENTS, *stream_headers(call)])
                    opening = encoder.start()
                    if opening:
                        await self._body(opening, more=True)
                data = encoder.feed(events)
                if data:
                    await self._body(data, more=True)
        alive.stop()
        await self.end(encoder.finish(cast("Answer", call.answer)))

    async def end(self, last: bytes) -> None:
        """Sends the last bytes of a stream."""
        await self._body(last)
