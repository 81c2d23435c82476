"""The context of a tool call: its caller, and a way to report progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp.types import ElicitRequestParams, ElicitResult
from service_kit.auth.principal import ANONYMOUS

from mcp_toolbox.registry.time_limits import TimeLimits

Ask = Callable[[ElicitRequestParams], Awaitable[ElicitResult]]
"""Asks the person behind a call while it runs, as `elicitation/create` of MCP does."""


@dataclass(frozen=True)
class Rounds:
    """What a client of 2026-07-28 brings from an earlier round of the same call: the answers to questions by their
    names, and the state that the asking server gave it. A first round has neither."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    state: str | None = None


Report = Callable[[float, float | None, str | None], Awaitable[None]]
"""Reports progress: the amount done, the total (None if unknown), and a message."""


@dataclass(frozen=True)
class CallContext:
    """The context of one call. A tool gets it by declaring a parameter of this type.

    `principal` is the id of the caller, `user` one of the caller's own users, `traceparent` the W3C trace that the call
    belongs to. A client whose person can be asked while the call runs has `ask`; one that takes questions as the answer
    to the call, and then calls again, has `rounds`. `transport` is the way in: `rest`, `streamable-http`, `sse` or
    `stdio`.
    """

    principal: str = ANONYMOUS
    request_id: str = ""
    traceparent: str | None = None
    report: Report | None = None
    transport: str = ""
    user: str = ""
    ask: Ask | None = None
    rounds: Rounds | None = None
    time_limits: TimeLimits = field(default_factory=TimeLimits, compare=False)

    @property
    def tenant(self) -> str:
        """The owner of the data that the tool may use. A caller that serves several users, as an agent does, names the
        one for which it calls; it can name only its own."""
        return f"{self.principal}/{self.user}" if self.user else self.principal

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Reports progress to the caller. Does nothing if the caller has not asked for reports."""
        if self.report is not None:
            await self.report(done, total, message)


NO_CALLER = CallContext()

Suggest = Callable[[str, CallContext], Iterable[str] | Awaitable[Iterable[str]]]
"""Suggests to the caller the values of an argument that begin with what was typed."""
