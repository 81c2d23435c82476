"""What every hot route does: read the body, watch whether the client stays, refuse what cannot be answered.

It is ASGI by hand because it is the hot path: a router and a validated body cost more than the call itself.
"""

from __future__ import annotations

import asyncio
import random
import re
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import msgspec
from service_kit.auth.principal import Principal, principal_in
from service_kit.edge.departure import DEPARTURE, Departure
from service_kit.errors import ApiError
from starlette.types import Receive, Scope, Send

from llm_gateway.errors import InvalidRequest
from llm_gateway.pipeline.caller import CacheControl, Caller, ClientGone, Disconnect
from llm_gateway.pipeline.context import nested_too_deeply
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.surfaces.http.call_options import HEADERS, call_options
from llm_gateway.surfaces.http.exchange import ErrorRenderer, Exchange
from llm_gateway.surfaces.http.request_body import Watch, read_body
from llm_gateway.surfaces.send_limits import SendLimits

Q = TypeVar("Q")

_SESSION = re.compile(r"[\x21-\x7e]{1,128}")

_LONG_BODY = 256 * 1024
"""A body from this size on is read on a thread: its translation would hold the loop."""


class RawEndpoint(ABC, Generic[Q]):
    """`POST` whose errors `errors` renders; `name` is what records call it, and `limits` bound what is sent."""

    def __init__(self, name: str, errors: ErrorRenderer, pipeline: Pipeline, limits: SendLimits | None = None) -> None:
        self._name = name
        self._errors = errors
        self._pipeline = pipeline
        self._limits = limits or SendLimits()

    @abstractmethod
    def read(self, body: bytes) -> Q:
        """The request in a body. Raises InvalidRequest."""

    @abstractmethod
    async def answer(self, request: Q, caller: Caller, exchange: Exchange) -> None:
        """Answer one request; an ApiError that is raised before the answer has begun becomes the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        disconnect = Disconnect(task)
        exchange = Exchange(scope, send, self._errors, disconnect)
        principal = principal_in(scope)
        caller = Caller.of(principal, exchange.request_id, self._name, disconnect)
        departure: Departure | Watch = scope["state"].get(DEPARTURE) or Watch(receive)
        self._limits.open.add(disconnect)
        try:
            try:
                body = await read_body(receive)
                if departure.over:
                    raise ClientGone
                departure.watch(disconnect.leave)
                caller = as_told(caller, principal, scope["headers"])
                request = self.read(body) if len(body) < _LONG_BODY else await asyncio.to_thread(self.read, body)
            except ClientGone as error:
                self._pipeline.unread(error, caller)
                return
            except BaseException as error:
                self._pipeline.unread(error, caller)
                raise
            await self.answer(request, caller, exchange)
        except ApiError as error:
            await exchange.refuse(error)
        except RecursionError:
            await exchange.refuse(nested_too_deeply())
        except asyncio.CancelledError:
            if not disconnect.left:
                raise  # the server stops
            task.uncancel()
        finally:
            self._limits.open.discard(disconnect)
            departure.unwatch()


def as_told(caller: Caller, principal: Principal, headers: list[tuple[bytes, bytes]]) -> Caller:
    """`caller`, and what its headers say of how its request is carried out, and of its user where `principal` is
    believed in that.

    Raises:
        InvalidRequest: names the header that means nothing.
    """
    told: dict[str, Any] = {}
    said: dict[bytes, str] = {}
    for name, value in headers:
        if name == b"x-user-id":
            told["user"] = principal.end_user(value.decode("latin-1"))
        elif name == b"x-session-id":
            told["session"] = session_id(value.decode("latin-1"), "X-Session-ID")
        elif name == b"cache-control":
            told["cache_control"] = cache_control(value.decode("latin-1"))
        elif name in HEADERS:
            text = value.decode("latin-1").strip()
            said[name] = f"{said[name]},{text}" if name in said else text
    if said:
        told["options"] = call_options(said)
    return msgspec.structs.replace(caller, **told) if told else caller


def session_id(given: str | None, param: str) -> str | None:
    """Returns the session's id that a client sent as `param`, or None for an empty one.

    Raises:
        InvalidRequest: it is not made of 1 to 128 visible ASCII characters.
    """
    if not given:
        return None
    if not _SESSION.fullmatch(given):
        raise InvalidRequest(f"{param}: must be 1 to 128 visible ASCII characters, without spaces", param=param)
    return given


def in_session(caller: Caller) -> Caller:
    """Returns `caller` in the session that it names, or else in a new one."""
    if caller.session is not None:
        return caller
    return msgspec.structs.replace(caller, session=f"session_{random.getrandbits(96):024x}")


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
