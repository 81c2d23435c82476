"""The caller of one request: its principal, its options, and whether its client is still connected."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec
from service_kit.auth.principal import Principal

from llm_gateway.routing.options import NO_OPTIONS, CallOptions

LeaveReason = Literal["client_gone", "client_stalled"]


class ClientGone(Exception):
    """The client left before its request was complete."""


class Disconnect:
    """Whether a caller's client has left, and why: it hung up, or it read nothing for too long.

    `leave` cancels the task that serves this client. A call that it shares goes on for the other readers.
    """

    __slots__ = ("_task", "reason", "sending_since")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self._task = task
        self.reason: LeaveReason | None = None
        self.sending_since = 0.0
        """When the send that is under way began, by the loop's clock; 0 while there is none."""

    @property
    def left(self) -> bool:
        return self.reason is not None

    def leave(self, reason: LeaveReason = "client_gone") -> None:
        if self.reason is None:
            self.reason = reason
            self._task.cancel()


class CacheControl(msgspec.Struct, frozen=True, gc=False):
    """What a request's `Cache-Control` allows; `max_age` in seconds."""

    read: bool = True
    write: bool = True
    max_age: float | None = None


ANY_CACHE = CacheControl()


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of one request. `principal` is the short id of its key, `models` are the names and patterns of the
    models that the key may use (None for all), `user` is the end user and `session` the session that it names."""

    request_id: str
    surface: str
    principal: str = "anonymous"
    models: tuple[str, ...] | None = None
    user: str | None = None
    session: str | None = None
    cache_control: CacheControl = ANY_CACHE
    disconnect: Disconnect | None = None
    options: CallOptions = NO_OPTIONS

    @classmethod
    def of(cls, principal: Principal, request_id: str, surface: str, disconnect: Disconnect | None = None) -> Caller:
        """Returns the caller of a request that came in by `surface`. Surfaces make callers here alone, so that none of
        them forgets what a principal may not do."""
        return cls(
            request_id=request_id, surface=surface, principal=principal.id, models=principal.models,
            disconnect=disconnect,
        )  # fmt: skip
