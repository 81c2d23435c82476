"""The answering side of one request: whole answers, streams, refusals."""

from __future__ import annotations

from contextlib import aclosing
from typing import Protocol, cast

from service_kit.errors import ApiError
from starlette.types import Scope, Send

from llm_gateway.answer import Answer, Provenance
from llm_gateway.dialects.protocols import StreamEncoder
from llm_gateway.gateway import LiveStream
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


class Exchange:
    """Answers, and refuses in `dialect`.

    `begun` says that the status is sent: from then on a failure must be told in the body.
    """

    __slots__ = ("_dialect", "_send", "begun", "request_id")

    def __init__(self, scope: Scope, send: Send, dialect: ErrorRenderer) -> None:
        self._send = send
        self._dialect = dialect
        self.request_id: str = scope["state"]["request_id"]
        self.begun = False

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, body: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def respond(self, answer: Provenance, body: bytes) -> None:
        headers = [_JSON, (b"content-length", b"%d" % len(body)), *answer_headers(answer)]
        await self._start(200, headers)
        await self._body(body)

    async def refuse(self, error: ApiError) -> None:
        body = self._dialect.render_error(error, self.request_id)
        extra = [(name.encode(), value.encode()) for name, value in error.headers().items()]
        await self._start(error.status, [_JSON, (b"content-length", b"%d" % len(body)), *extra])
        await self._body(body)

    async def beat(self) -> None:
        """A comment, which every reader of server-sent events passes over, while there is nothing else to say."""
        if not self.begun:
            await self._start(200, _EVENTS)
        await self._body(b": keep-alive\n\n", more=True)

    async def stream(self, stream: LiveStream, encoder: StreamEncoder, alive: KeepAlive) -> None:
        """Hand over each piece as it comes, and the end. What the stream raises is left to the caller to tell."""
        opened = False
        async with aclosing(stream.batches()) as batches:  # type: ignore[type-var]
            async for events in batches:
                alive.touch()
                if not opened:  # only now: a stream that nobody began to read would never be closed
                    opened = True
                    if not self.begun:
                        await self._start(200, [*_EVENTS, *stream_headers(stream)])
                    opening = encoder.start()
                    if opening:
                        await self._body(opening, more=True)
                data = encoder.feed(events)
                if data:
                    await self._body(data, more=True)
        alive.stop()
        await self.end(encoder.finish(cast("Answer", stream.answer)))

    async def end(self, last: bytes) -> None:
        """The last words of a stream."""
        await self._body(last)
