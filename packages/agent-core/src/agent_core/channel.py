"""A channel: one connection id, the run that is going on it, the queue behind, and its part of the event log.

A run belongs to its channel, not to whoever asked for it. Followers are woken when something is told and read the
log at their own pace; that nobody follows changes nothing for a run. Everything here happens on one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, Protocol

from service_kit.errors import ApiError
from service_kit.ids import current_request_id
from service_kit.telemetry.logs import get_logger

from agent_core.agent import RunRequest
from agent_core.event_log import Entry, EventLog
from agent_core.events import Cancelled, Complete, Emit, Error, Event, Queued
from agent_core.run_errors import NotRunning, QueueFull, RunFailed, RunNotFound, ServiceStopping, error_event

_log = get_logger(__name__)


class Runner(Protocol):
    """What runs a question: the `Agent`, or a test's stand-in."""

    async def run(self, request: RunRequest, emit: Emit) -> Any: ...


class _Run:
    """One question on its way; `end` tells its last event, once."""

    def __init__(self, request: RunRequest, tell: Callable[[Event], None]) -> None:
        self.request = request
        self.task: asyncio.Task[Any] | None = None
        self.stopped_by: Event | None = None
        self.patience: asyncio.TimerHandle | None = None
        self._tell = tell
        self._over = False

    @property
    def id(self) -> str:
        return self.request.run_id

    def emit(self, event: Event) -> None:
        """Pass on what the agent tells, until the run is over: whoever is late is not heard."""
        if not self._over:
            self._over = isinstance(event, Complete)
            self._tell(event)

    def end(self, event: Event) -> None:
        if not self._over:
            self._over = True
            self._tell(event)


class Channel:
    """One connection id: runs its questions one after another and tells what happens."""

    def __init__(
        self, id_: str, owner: str, runner: Runner, log: EventLog, *, queue_limit: int, stop_seconds: float
    ) -> None:
        self.id = id_
        self.owner = owner
        self.epoch = log.open(id_, owner)
        self._runner = runner
        self._log = log
        self._queue_limit = queue_limit
        self._stop_seconds = stop_seconds
        self._queue: deque[_Run] = deque()
        self._current: _Run | None = None
        self._last_run_id: str | None = None
        self._followers: set[Callable[[], None]] = set()
        self._rest: Callable[[], None] = lambda: None

    # --- what followers see ---

    @property
    def last_seq(self) -> int:
        return self._log.last_seq(self.id)

    @property
    def running(self) -> bool:
        return self._current is not None

    @property
    def idle(self) -> bool:
        """Nothing runs and nobody follows."""
        return self._current is None and not self._followers

    @property
    def run_id(self) -> str | None:
        """The run that is going, else the last one that was."""
        return self._current.id if self._current else self._last_run_id

    @contextmanager
    def follow(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake` (which must not block or raise) whenever there is something new to read, until the block ends."""
        self._followers.add(wake)
        try:
            yield
        finally:
            self._followers.discard(wake)
            self._rest_if_idle()

    def after(self, seq: int, limit: int) -> list[Entry]:
        """The log after a position; raises PositionGoneError."""
        return self._log.after(self.id, seq, limit)

    def of_last_run(self, max_bytes: int) -> list[Entry]:
        """What the log still has of the run that is going, or of the last one."""
        run_id = self.run_id
        return self._log.of_run(self.id, run_id, max_bytes) if run_id else []

    def tell(self, event: Event) -> None:
        """Give an event its place in the sequence and let every follower know."""
        self._log.append(self.id, event)
        for wake in self._followers:
            wake()

    # --- what clients ask ---

    def submit(self, request: RunRequest) -> None:
        """Run a question now, or queue it behind the one that is going; raises QueueFull."""
        if self._current is not None and len(self._queue) >= self._queue_limit:
            raise QueueFull(self._queue_limit, request.language)
        run = _Run(request, self.tell)
        self._queue.append(run)
        if self._current is None:
            self._start_next()
        else:
            self.tell(Queued(run_id=run.id, position=len(self._queue)))

    def cancel(self, run_id: str | None, language: str) -> None:
        """Stop the run that is going, or the named one, which may still be queued.

        `cancelled` follows when it really has stopped. Asking again meanwhile changes nothing.
        Raises NotRunning when nothing runs, RunNotFound when the named run is not (or no longer) here.
        """
        if self._current is not None and run_id in (None, self._current.id):
            self._stop(self._current, Cancelled(run_id=self._current.id))
        elif run_id is None:
            raise NotRunning(language)
        else:
            queued = next((run for run in self._queue if run.id == run_id), None)
            if queued is None:
                raise RunNotFound(language)
            self._queue.remove(queued)
            queued.end(Cancelled(run_id=run_id))

    # --- the queue at work ---

    def on_rest(self, call: Callable[[], None]) -> None:
        """Call this whenever the channel becomes idle."""
        self._rest = call

    def _rest_if_idle(self) -> None:
        if self.idle:
            self._rest()

    def _start_next(self) -> None:
        if not self._queue:
            return self._rest_if_idle()
        self._current = run = self._queue.popleft()
        self._last_run_id = run.id
        context = copy_context()
        context.run(current_request_id.set, run.request.request_id or None)
        run.task = asyncio.create_task(self._runner.run(run.request, run.emit), context=context)
        # A callback, not a wrapper: a task that is cancelled before its first step would never enter one.
        run.task.add_done_callback(lambda task: self._ended(run, task))
        return None

    def _ended(self, run: _Run, task: asyncio.Task[Any]) -> None:
        last = self._last_event(run, task)
        if run.patience is not None:
            run.patience.cancel()
        self._close(run, last)

    def _close(self, run: _Run, last: Event) -> None:
        run.end(last)
        if self._current is run:
            self._current = None
            self._start_next()

    def _last_event(self, run: _Run, task: asyncio.Task[Any]) -> Event:
        """How a run ended; it is told only if the run has not said itself that it is complete."""
        request = run.request
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ApiError):
            _log.error("run failed", runId=run.id, sessionId=request.thread_id, exc_info=error)
        if run.stopped_by is not None:
            return run.stopped_by
        return error_event(error if isinstance(error, ApiError) else RunFailed(request.language), request)

    def _stop(self, run: _Run, because: Event) -> None:
        if run.stopped_by is not None or run.task is None:
            return
        run.stopped_by = because
        run.task.cancel()
        # Whoever pressed stop is not kept waiting by a run that does not let go.
        run.patience = asyncio.get_running_loop().call_later(self._stop_seconds, self._abandon, run, because)

    def _abandon(self, run: _Run, because: Event) -> None:
        _log.warning("a cancelled run does not stop", runId=run.id)
        self._close(run, because)

    def finish(self) -> asyncio.Task[Any] | None:
        """Give up what is queued; the task of the run that is going, to wait for."""
        while self._queue:
            run = self._queue.popleft()
            run.end(self._stopping(run))
        return self._current.task if self._current else None

    def abort(self) -> None:
        """Stop the run that is going because the service stops."""
        if self._current is not None:
            self._stop(self._current, self._stopping(self._current))

    @staticmethod
    def _stopping(run: _Run) -> Error:
        return error_event(ServiceStopping(run.request.language), run.request)
