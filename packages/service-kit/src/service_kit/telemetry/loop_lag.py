"""How late the event loop runs what is due: the time for which one piece of work has held it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service_kit.background import supervised

_EVERY_SECONDS = 0.25
_SAMPLES = 240
"""A minute of them."""


class LoopLag:
    """Measures by a timer that is due four times a second while it is `running`."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=_SAMPLES)

    @property
    def largest(self) -> float:
        """The largest delay of the last minute, in seconds."""
        return max(self._samples, default=0.0)

    @asynccontextmanager
    async def running(self, every_seconds: float = _EVERY_SECONDS) -> AsyncIterator[None]:
        """Measures until the block ends."""
        clock = asyncio.get_running_loop().time

        async def turn() -> None:
            due = clock() + every_seconds
            await asyncio.sleep(every_seconds)
            self._samples.append(max(0.0, clock() - due))

        async with supervised("loop lag", turn, every_seconds=0):
            yield
