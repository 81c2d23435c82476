"""Signs of life for a stream that has nothing to say for a while, so that no proxy on the way closes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class KeepAlive:
    """Calls `beat` whenever `seconds` have passed without a `touch`, until `stop`.

    It costs one timer a stream; a task is made only when there is something to send.
    """

    __slots__ = ("_beat", "_handle", "_last", "_loop", "_seconds", "_task")

    def __init__(self, beat: Callable[[], Awaitable[None]], seconds: float) -> None:
        self._beat = beat
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._handle = self._loop.call_later(seconds, self._tick)
        self._task: asyncio.Future[None] | None = None

    def touch(self) -> None:
        self._last = self._loop.time()

    def _tick(self) -> None:
        left = self._last + self._seconds - self._loop.time()
        if left <= 0 and (self._task is None or self._task.done()):
            self._task = asyncio.ensure_future(self._beat())
        self._handle = self._loop.call_later(left if left > 0 else self._seconds, self._tick)

    async def settled(self) -> None:
        """A beat that is on its way has been sent."""
        if self._task is not None:
            await self._task

    def stop(self) -> None:
        self._handle.cancel()
        if self._task is not None:
            self._task.cancel()
