"""How long a client may take nothing of what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from llm_gateway.pipeline.caller import Disconnect

_TICKS = 8
"""How often a limit is looked after while it lasts."""


class SendLimits:
    """Lets a `Disconnect` leave, as stalled, when a single send to its client lasts for `seconds`.

    `sending` holds those that are under way, and when they began by the loop's clock: whoever sends enters and removes
    itself. One loop looks after them all, since a timer for each would cost more than most sends do.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self.sending: dict[Disconnect, float] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks after the sends for the length of the block."""
        task = asyncio.create_task(self._forever(), name="send-limits")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _forever(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._seconds / _TICKS)
            latest = now() - self._seconds
            for disconnect in [one for one, since in self.sending.items() if since <= latest]:
                disconnect.leave("client_stalled")
