"""The surface of any dialect that asks for an answer: one ASGI handler, for plain answers and streams.

It is ASGI by hand because it is the hot path: a router and a validated body cost more than the call itself.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import cast

from service_kit.errors import ApiError, internal_error
from service_kit.logs import get_logger
from starlette.types import Receive, Scope, Send

from llm_gateway.answer import Answer
from llm_gateway.calls import ANY_CACHE, CacheControl, Caller, Presence
from llm_gateway.dialects import ServerDialect, StreamEncoder
from llm_gateway.errors import InvalidRequest
from llm_gateway.gateway import Gateway, LiveStream

_log = get_logger(__name__)

_JSON = (b"content-type", b"application/json")
_EVENTS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_MAX_USER = 256


class GenerationSurface:
    """`POST` in one dialect; `name` is what records call it."""

    def __init__(self, name: str, dialect: ServerDialect, gateway: Gateway) -> None:
        self._name = name
        self._dialect = dialect
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(scope, send, self._dialect)
        try:
            body = await _read(receive)
        except _ClientGone:
            return
        task = cast("asyncio.Task[object]", asyncio.current_task())
        presence = Presence(task)
        watch = _Watch(receive, presence)
        try:
            await self._answer(body, scope, presence, exchange)
        except ApiError as error:
            await exchange.refuse(error)
        except RecursionError:  # nested as deeply as the stack: read, but beyond what comes after the reading
            await exchange.refuse(InvalidRequest("The body is nested too deeply.", code="invalid_json"))
        except asyncio.CancelledError:
            if not presence.left:
                raise
            task.uncancel()
        finally:
            watch.stop()

    async def _answer(self, body: bytes, scope: Scope, presence: Presence, exchange: _Exchange) -> None:
        caller = self._caller(scope, presence)
        try:
            request = self._dialect.parse_request(body)
        except ApiError as error:
            self._gateway.refused(error, caller)
            raise
        if not request.stream:
            answer = await self._gateway.generate(request, caller)
            await exchange.respond(answer, self._dialect.render_result(answer, request))
            return
        stream = await self._gateway.stream(request, caller)
        await exchange.stream(stream, self._dialect.stream_encoder(stream.origin, request))

    def _caller(self, scope: Scope, presence: Presence) -> Caller:
        state = scope["state"]
        user: str | None = None
        control = ANY_CACHE
        for name, value in scope["headers"]:
            if name == b"x-user-id":
                user = value.decode("latin-1")[:_MAX_USER]
            elif name == b"cache-control":
                control = cache_control(value.decode("latin-1"))
        return Caller(
            request_id=state["request_id"],
            surface=self._name,
            principal=state["principal"],
            user=user,
            cache_control=control,
            presence=presence,
        )


def cache_control(header: str) -> CacheControl:
    """What a request's `Cache-Control` (RFC 9111 §5.2.1) means for us: no-cache, no-store, max-age.

    Raises:
        InvalidRequest: max-age is no number of seconds.
    """
    read = write = True
    max_age: float | None = None
    for directive in header.lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name == "no-cache":
            read = False
        elif name == "no-store":
            read = write = False
        elif name == "max-age":
            if not value.strip('"').isdecimal():
                raise InvalidRequest("Cache-Control: max-age must be a number of seconds", param="Cache-Control")
            max_age = float(value.strip('"'))
    return CacheControl(read, write, max_age)


class _ClientGone(Exception):
    """The client left before its request was complete."""


async def _read(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    chunks = [body]
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


class _Watch:
    """Tells `presence` when the client leaves. It begins with the loop's next turn, so that an answer which waits
    for nothing (a cache hit) does not pay for a task."""

    __slots__ = ("_presence", "_receive", "_start", "_task")

    def __init__(self, receive: Receive, presence: Presence) -> None:
        self._receive = receive
        self._presence = presence
        self._task: asyncio.Task[None] | None = None
        self._start = asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._presence.leave()
                return

    def stop(self) -> None:
        self._start.cancel()
        if self._task is not None:
            self._task.cancel()


class _Exchange:
    """The answering side of one request."""

    __slots__ = ("_begun", "_dialect", "_request_id", "_send")

    def __init__(self, scope: Scope, send: Send, dialect: ServerDialect) -> None:
        self._send = send
        self._dialect = dialect
        self._request_id: str = scope["state"]["request_id"]
        self._begun = False

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, body: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def respond(self, answer: Answer, body: bytes) -> None:
        headers = [_JSON, (b"content-length", b"%d" % len(body)), *answer_headers(answer)]
        await self._start(200, headers)
        await self._body(body)

    async def stream(self, stream: LiveStream, encoder: StreamEncoder) -> None:
        """Hand over each piece as it comes; a failure ends the stream with an explicit error."""
        try:
            async with aclosing(stream.batches()) as batches:  # type: ignore[type-var]
                async for events in batches:
                    if not self._begun:  # only now: a stream that nobody began to read would never be closed
                        await self._start(200, [*_EVENTS, *stream_headers(stream)])
                        opening = encoder.start()
                        if opening:
                            await self._body(opening, more=True)
                    data = encoder.feed(events)
                    if data:
                        await self._body(data, more=True)
            last = encoder.finish(cast("Answer", stream.answer))
        except ApiError as error:
            if not self._begun:
                raise
            last = encoder.fail(error)
        except Exception as error:
            if not self._begun:
                raise
            # The status is sent: the stream itself must say that it failed.
            _log.error("unexpected error in a stream", exc_info=error)
            last = encoder.fail(internal_error())
        await self._body(last)

    async def refuse(self, error: ApiError) -> None:
        body = self._dialect.render_error(error, self._request_id)
        extra = [(name.encode(), value.encode()) for name, value in error.headers().items()]
        await self._start(error.status, [_JSON, (b"content-length", b"%d" % len(body)), *extra])
        await self._body(body)


def answer_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Where an answer came from and what it cost, for those who do not read the body."""
    origin = answer.origin
    overhead = answer.latency_ms - answer.upstream_ms
    headers = _common(answer.cache, origin.provider, origin.provider_model, origin.fallback_from, overhead)
    if answer.cost.usd is not None:
        headers.append((b"x-response-cost-usd", format(answer.cost.usd, "f").encode()))
    if answer.upstream_ms:
        timing = b"upstream;dur=%.3f, gateway;dur=%.3f" % (answer.upstream_ms, overhead)
        headers.append((b"server-timing", timing))
    return headers + _dropped(answer.dropped)


def stream_headers(stream: LiveStream) -> list[tuple[bytes, bytes]]:
    """The same for a stream, as far as it is known when it begins."""
    origin = stream.origin
    headers = _common(stream.cache, origin.provider, origin.provider_model, origin.fallback_from, stream.overhead_ms)
    return headers + _dropped(stream.dropped)


def _common(
    cache: str, provider: str, provider_model: str, fallback_from: str | None, overhead_ms: float
) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"x-cache", cache.encode()),
        (b"cache-status", _CACHE_STATUS[cache]),
        (b"x-provider", provider.encode()),
        (b"x-provider-model", _header_safe(provider_model)),
        (b"x-overhead-ms", b"%.3f" % overhead_ms),
    ]
    if fallback_from is not None:
        headers.append((b"x-fallback-from", _header_safe(fallback_from)))
    return headers


_CACHE_STATUS = {
    "hit": b"llm-gateway; hit",
    "miss": b"llm-gateway; fwd=miss",
    "bypass": b"llm-gateway; fwd=bypass",
    "coalesced": b"llm-gateway; fwd=miss; collapsed",
}
"""RFC 9211."""


def _header_safe(text: str) -> bytes:
    return "".join(c if 32 <= ord(c) < 127 else "?" for c in text).encode()


def _dropped(names: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    return [(b"x-dropped-params", _header_safe(", ".join(names)))] if names else []
