"""How long a client may take nothing of what it is sent."""

from __future__ import annotations

import asyncio

from llm_gateway.pipeline.caller import Disconnect


class SendLimit:
    """Lets `disconnect` leave, as stalled, when a single send lasts for `seconds`.

    It costs one timer an answer, however many pieces are sent: most sends do not wait at all.
    """

    __slots__ = ("_disconnect", "_loop", "_seconds", "_since", "_timer")

    def __init__(self, disconnect: Disconnect, seconds: float) -> None:
        self._disconnect = disconnect
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begins(self) -> None:
        """A send begins."""
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._check)

    def ends(self) -> None:
        """It was taken."""
        self._since = None

    def _check(self) -> None:
        self._timer = None
        if self._since is None:
            return  # the next send sets a timer of its own
        left = self._since + self._seconds - self._loop.time()
        if left <= 0:
            self._disconnect.leave("client_stalled")
        else:
            self._timer = self._loop.call_later(left, self._check)

    def stop(self) -> None:
        """Nothing more is sent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
