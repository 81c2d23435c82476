"""Calls to their observers, behind the answers: no request waits for a metric or a log line."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from llm_gateway.calls import Call, Observer

_FLUSH_SECONDS = 0.2
_CALLS_A_TURN = 32


class Observation:
    """Queues calls and hands them on in batches, each of which ends with a call of every `after_batch`; `flush` is
    also called before anybody reads a total."""

    def __init__(self, observers: Sequence[Observer], after_batch: Sequence[Callable[[], None]] = ()) -> None:
        self._observers = tuple(observers)
        self._after_batch = tuple(after_batch)
        self._queue: deque[Call] = deque()

    def __call__(self, call: Call) -> None:
        self._queue.append(call)

    def flush(self) -> None:
        """Hand on all that is queued."""
        self._hand_on(len(self._queue))

    def _hand_on(self, count: int) -> None:
        for _ in range(count):
            call = self._queue.popleft()
            for observe in self._observers:
                observe(call)
        for finish in self._after_batch:
            finish()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Flush in the background for the length of the block, and once more at its end."""
        task = asyncio.create_task(self._forever())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.flush()

    async def _forever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            while len(self._queue) > _CALLS_A_TURN:
                self._hand_on(_CALLS_A_TURN)
                await asyncio.sleep(0)  # requests go first
            self.flush()
