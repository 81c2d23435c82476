"""What every hot route does: read the body, watch whether the client stays, refuse what cannot be answered.

It is ASGI by hand because it is the hot path: a router and a validated body cost more than the call itself.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import cast

from service_kit.auth.principal import principal_in
from service_kit.errors import ApiError
from starlette.types import Receive, Scope, Send

from llm_gateway.calls import ANY_CACHE, CacheControl, Caller, Presence
from llm_gateway.errors import InvalidRequest
from llm_gateway.surfaces.http.call_options import HEADERS, terms_of
from llm_gateway.surfaces.http.exchange import ErrorRenderer, Exchange
from llm_gateway.surfaces.http.request_body import ClientGone, Watch, read_body


class RawEndpoint(ABC):
    """`POST` whose errors `errors` renders; `name` is what records call it."""

    def __init__(self, name: str, errors: ErrorRenderer) -> None:
        self._name = name
        self._errors = errors

    @abstractmethod
    async def answer(self, body: bytes, caller: Caller, exchange: Exchange) -> None:
        """Answer one request; an ApiError that is raised before the answer has begun becomes the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, send, self._errors)
        try:
            body = await read_body(receive)
        except ClientGone:
            return
        task = cast("asyncio.Task[object]", asyncio.current_task())
        presence = Presence(task)
        watch = Watch(receive, presence)
        try:
            await self.answer(body, self._caller(scope, presence), exchange)
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

    def _caller(self, scope: Scope, presence: Presence) -> Caller:
        state, principal = scope["state"], principal_in(scope)
        user: str | None = None
        control = ANY_CACHE
        said: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            if name == b"x-user-id":
                user = principal.end_user(value.decode("latin-1"))
            elif name == b"cache-control":
                control = cache_control(value.decode("latin-1"))
            elif name in HEADERS:
                text = value.decode("latin-1").strip()
                said[name] = f"{said[name]},{text}" if name in said else text
        return Caller(
            request_id=state["request_id"],
            surface=self._name,
            principal=principal.id,
            user=user,
            cache_control=control,
            presence=presence,
            terms=terms_of(said),
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
