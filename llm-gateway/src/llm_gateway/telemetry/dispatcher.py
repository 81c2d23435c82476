"""Records on their way to the sinks that read them, behind the answers: no request waits for a metric or a log line."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from service_kit.telemetry.logs import get_logger

from llm_gateway.telemetry.record import CallRecord

_log = get_logger(__name__)

_FLUSH_SECONDS = 0.2
_RECORDS_A_TURN = 32
_CAPACITY = 10_000
_TROUBLE_SECONDS = 60.0


class RecordSink(Protocol):
    """Reads every record. What it raises is logged and counted, and costs no other sink its records."""

    def observe(self, record: CallRecord) -> None:
        """Takes up one record."""
        ...

    def flush(self) -> None:
        """Ends a batch of records: what was only collected is written."""
        ...


class RecordDispatcher:
    """Queues records and hands them to `sinks` in batches. The queue holds `capacity` records; those beyond are
    dropped and counted."""

    def __init__(
        self,
        sinks: Sequence[RecordSink],
        capacity: int = _CAPACITY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sinks = tuple(sinks)
        self._capacity = capacity
        self._clock = clock
        self._queue: deque[CallRecord] = deque()
        self._trouble_at: float | None = None
        self.dropped = 0
        self.failures: Counter[str] = Counter()

    def __call__(self, record: CallRecord) -> None:
        """Queues a record. Never raises and never waits."""
        if len(self._queue) < self._capacity:
            self._queue.append(record)
        else:
            self.dropped += 1
            self._trouble_at = self._clock()

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def troubled(self) -> bool:
        """Whether records were lost within the last minute: dropped, or refused by a sink."""
        return self._trouble_at is not None and self._clock() - self._trouble_at < _TROUBLE_SECONDS

    def flush(self) -> None:
        """Hands on all that is queued. Called before totals are read."""
        self._hand_on(len(self._queue))

    def _hand_on(self, count: int) -> None:
        batch = [self._queue.popleft() for _ in range(min(count, len(self._queue)))]
        for sink in self._sinks:
            for record in batch:
                try:
                    sink.observe(record)
                except Exception as error:  # noqa: BLE001 - sinks are plug-ins: the failure of one must not cost the others
                    self._failed(sink, error)
            try:
                sink.flush()
            except Exception as error:  # noqa: BLE001 - likewise
                self._failed(sink, error)

    def _failed(self, sink: RecordSink, error: Exception) -> None:
        name = type(sink).__name__
        self.failures[name] += 1
        self._trouble_at = self._clock()
        if self.failures[name].bit_count() == 1:  # the 1st, 2nd, 4th, 8th …: a sink that always fails fills no log
            _log.error("a record could not be taken up", sink=name, failures=self.failures[name], exc_info=error)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hands on records in the background for the length of the block, and once more at its end."""
        task = asyncio.create_task(self._forever(), name="record-dispatcher")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.flush()

    async def _forever(self) -> None:
        # Nothing here can raise but the cancellation that ends it: `_hand_on` guards each sink.
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            while len(self._queue) > _RECORDS_A_TURN:
                self._hand_on(_RECORDS_A_TURN)
                await asyncio.sleep(0)  # requests go first
            self.flush()
