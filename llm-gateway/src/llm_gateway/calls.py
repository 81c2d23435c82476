"""One call through the gateway: who makes it, and on which terms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from llm_gateway.catalog import SafeStream
from llm_gateway.telemetry.record import CallRecord


class Presence:
    """Whether a caller's client is still there. `leave` ends the call at once, unless others share it."""

    __slots__ = ("left", "on_leave", "task")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.task = task
        self.on_leave: Callable[[], object] = task.cancel
        self.left = False

    def leave(self) -> None:
        self.left = True
        self.on_leave()


class CacheControl(msgspec.Struct, frozen=True):
    """What a request's `Cache-Control` allows; `max_age` in seconds."""

    read: bool = True
    write: bool = True
    max_age: float | None = None


ANY_CACHE = CacheControl()


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a caller wants its request carried out, beyond what the catalogue says.

    `timeout` in seconds bounds everything, retries and fallbacks included; `drop` are parameters that may be left
    out where a model lacks them; `safe_stream` is the model's own choice when it is None.
    """

    timeout: float | None = None
    drop: frozenset[str] = frozenset()
    safe_stream: SafeStream | None = None


NO_TERMS = Terms()


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: `principal` is the key's short id, `user` what a caller says of its own user."""

    request_id: str
    surface: str
    principal: str = "anonymous"
    user: str | None = None
    cache_control: CacheControl = ANY_CACHE
    presence: Presence | None = None
    terms: Terms = NO_TERMS


Observer = Callable[[CallRecord], None]
