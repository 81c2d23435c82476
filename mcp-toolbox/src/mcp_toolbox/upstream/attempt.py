"""One sending of a call to a server: what the transport learned of it that the protocol's answer does not say."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

import anyio


@dataclass
class Attempt:
    """`sent` is False as long as it is known that nothing has left. `status` is the HTTP status of a refusal, and
    `said` the message of the JSON-RPC error that came with it. `not_run` means that the server cannot have run the
    call, so that it may be sent again: its session was lost, or no connection was made. Cancelling `waiting` ends the
    wait for an answer that cannot come."""

    sent: bool = True
    status: int | None = None
    said: str | None = None
    not_run: bool = False
    waiting: anyio.CancelScope = field(default_factory=anyio.CancelScope)


current_attempt: ContextVar[Attempt | None] = ContextVar("current_attempt", default=None)
"""The attempt that an HTTP request belongs to; the SDK sends each message in its sender's context."""
