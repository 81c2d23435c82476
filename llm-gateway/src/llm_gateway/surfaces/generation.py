"""The surface of any dialect that asks for an answer: one ASGI handler, for plain answers and streams.

It is ASGI by hand because it is the hot path: a router and a validated body cost more than the call itself.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast

from service_kit.errors import ApiError, internal_error
from service_kit.logs import get_logger
from starlette.types import Receive, Scope, Send

from llm_gateway.answer import Origin
from llm_gateway.calls import ANY_CACHE, CacheControl, Caller, Presence
from llm_gateway.dialects import ServerDialect
from llm_gateway.errors import InvalidRequest
from llm_gateway.gateway import Gateway
from llm_gateway.surfaces.arrival import ClientGone, Watch, read_body
from llm_gateway.surfaces.exchange import Exchange
from llm_gateway.surfaces.keep_alive import KeepAlive
from llm_gateway.types import Request

_log = get_logger(__name__)

_MAX_USER = 256


class GenerationSurface:
    """`POST` in one dialect; `name` is what records call it.

    A stream that says nothing for `keep_alive` seconds gets a sign of life. Until the first one the status is held
    back, so that a failure is an HTTP error and another model can take over unnoticed.
    """

    def __init__(self, name: str, dialect: ServerDialect, gateway: Gateway, keep_alive: float = 10.0) -> None:
        self._name = name
        self._dialect = dialect
        self._gateway = gateway
        self._keep_alive = keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, send, self._dialect)
        try:
            body = await read_body(receive)
        except ClientGone:
            return
        task = cast("asyncio.Task[object]", asyncio.current_task())
        presence = Presence(task)
        watch = Watch(receive, presence)
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

    async def _answer(self, body: bytes, scope: Scope, presence: Presence, exchange: Exchange) -> None:
        caller = self._caller(scope, presence)
        try:
            request = self._dialect.parse_request(body)
        except ApiError as error:
            self._gateway.refused(error, caller)
            raise
        if request.stream:
            await self._stream(request, caller, exchange)
            return
        answer = await self._gateway.generate(request, caller)
        await exchange.respond(answer, self._dialect.render_result(answer, request))

    async def _stream(self, request: Request, caller: Caller, exchange: Exchange) -> None:
        alive = KeepAlive(exchange.beat, self._keep_alive)
        encoder = None
        try:
            stream = await self._gateway.stream(request, caller)
            await alive.settled()
            encoder = self._dialect.stream_encoder(stream.origin, request)
            await exchange.stream(stream, encoder, alive)
        except Exception as error:
            alive.stop()
            if not exchange.begun:
                raise
            # The status is sent: the stream itself must say that it failed.
            if not isinstance(error, ApiError):
                _log.error("unexpected error in a stream", exc_info=error)
                error = internal_error()
            encoder = encoder or self._dialect.stream_encoder(_nobody(request, caller), request)
            await exchange.end(encoder.fail(error))
        finally:
            alive.stop()

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


def _nobody(request: Request, caller: Caller) -> Origin:
    """The origin of a stream that failed before anybody spoke."""
    return Origin(
        request_id=caller.request_id, created=int(time.time()), model=request.model, provider="", provider_model=""
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
