"""What a tool may know of the call that it answers, and tell while it works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from service_kit.auth.principal import ANONYMOUS

Report = Callable[[float, float | None, str | None], Awaitable[None]]
"""How far a call is: done so far, of how much in all (None: unknown), and in words."""


@dataclass(frozen=True)
class CallContext:
    """Who calls, and how to be told of progress. A tool gets it by declaring a parameter of this type.

    `principal` is the short id of the caller's key, `traceparent` the W3C trace that the call belongs to, `transport`
    the way in: `rest`, `streamable-http`, `sse` or `stdio`, `user` one of the caller's own users.
    """

    principal: str = ANONYMOUS
    request_id: str = ""
    traceparent: str | None = None
    report: Report | None = None
    transport: str = ""
    user: str = ""

    @property
    def tenant(self) -> str:
        """Whose things a tool may see. A caller that serves several users, as an agent does, says for which of them
        it calls; it can only name its own."""
        return f"{self.principal}/{self.user}" if self.user else self.principal

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Tell the caller how far the call is; nothing happens when it did not ask to be told."""
        if self.report is not None:
            await self.report(done, total, message)


NOBODY = CallContext()
