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

    `open` holds those of the requests that are being answered. Each says itself since when it sends; one loop looks
    after them all, since a timer for each send would cost more than most sends do.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self.open: set[Disconnect] = set()

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
            for disconnect in self.open:
                if 0 < disconnect.sending_since <= latest:
                    disconnect.leave("client_stalled")
