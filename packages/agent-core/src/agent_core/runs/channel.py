"""A channel: one connection id with its current run, the queue behind it and its part of the event log.

A run belongs to its channel, not to the connection that asked for it. Followers are woken when an event is published
and read the log at their own pace; a run goes on without followers. Everything here happens on one event loop.
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
from agent_core.events import Cancelled, Complete, Emit, Error, Event, Queued, error_event
from agent_core.runs.errors import NotRunning, QueueFull, RunFailed, RunNotFound, ServiceStopping
from agent_core.runs.event_log import Entry, EventLog

_log = get_logger(__name__)


class Runner(Protocol):
    """Runs one question: the `Agent`, or a stand-in of a test."""

    async def run(self, request: RunRequest, emit: Emit) -> Any: ...


class _Run:
    """One question, queued or running; `end` publishes its last event, once."""

    def __init__(self, request: RunRequest, publish: Callable[[Event], None]) -> None:
        self.request = request
        self.task: asyncio.Task[Any] | None = None
        self.stopped_by: Event | None = None
        self.stop_timer: asyncio.TimerHandle | None = None
        self._publish = publish
        self._finished = False

    @property
    def id(self) -> str:
        return self.request.run_id

    def emit(self, event: Event) -> None:
        """Publishes an event of the agent; events after the end of the run are dropped."""
        if not self._finished:
            self._finished = isinstance(event, Complete)
            self._publish(event)

    def end(self, event: Event) -> None:
        if not self._finished:
            self._finished = True
            self._publish(event)


class RunChannel:
    """Runs the questions of one connection id one after another and publishes their events."""

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
        self._on_idle: Callable[[], None] = lambda: None

    # --- what followers see ---

    @property
    def last_seq(self) -> int:
        return self._log.last_seq(self.id)

    @property
    def running(self) -> bool:
        return self._current is not None

    @property
    def idle(self) -> bool:
        """Whether the channel has neither a run nor a follower."""
        return self._current is None and not self._followers

    @property
    def run_id(self) -> str | None:
        """The id of the current run, else that of the last one."""
        return self._current.id if self._current else self._last_run_id

    @contextmanager
    def follow(self, wake: Callable[[], None]) -> Iterator[None]:
        """Calls `wake` (which must not block or raise) after each new event until the block ends."""
        self._followers.add(wake)
        try:
            yield
        finally:
            self._followers.discard(wake)
            self._notify_if_idle()

    def after(self, seq: int, limit: int) -> list[Entry]:
        """The log after a position; raises PositionGoneError."""
        return self._log.after(self.id, seq, limit)

    def of_last_run(self, max_bytes: int) -> list[Entry]:
        """Returns the events of the current run, else of the last one, as far as the log still has them."""
        run_id = self.run_id
        return self._log.of_run(self.id, run_id, max_bytes) if run_id else []

    def publish(self, event: Event) -> None:
        """Appends an event to the log and wakes every follower."""
        self._log.append(self.id, event)
        for wake in self._followers:
            wake()

    # --- what clients ask ---

    def submit(self, request: RunRequest) -> None:
        """Starts a question, or queues it behind the current run; raises QueueFull."""
        if self._current is not None and len(self._queue) >= self._queue_limit:
            raise QueueFull(self._queue_limit, request.language)
        run = _Run(request, self.publish)
        self._queue.append(run)
        if self._current is None:
            self._start_next()
        else:
            self.publish(Queued(run_id=run.id, position=len(self._queue)))

    def cancel(self, run_id: str | None, language: str) -> None:
        """Stops the current run, or the named one, which may still be queued.

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

    def on_idle(self, call: Callable[[], None]) -> None:
        """Sets what is called whenever the channel becomes idle."""
        self._on_idle = call

    def _notify_if_idle(self) -> None:
        if self.idle:
            self._on_idle()

    def _start_next(self) -> None:
        if not self._queue:
            return self._notify_if_idle()
        self._current = run = self._queue.popleft()
        self._last_run_id = run.id
        context = copy_context()
        context.run(current_request_id.set, run.request.request_id or None)
        run.task = asyncio.create_task(self._runner.run(run.request, run.emit), context=context)
        # A callback, not a wrapper: a task that is cancelled before its first step would never enter one.
        run.task.add_done_callback(lambda task: self._on_task_done(run, task))
        return None

    def _on_task_done(self, run: _Run, task: asyncio.Task[Any]) -> None:
        last = self._last_event(run, task)
        if run.stop_timer is not None:
            run.stop_timer.cancel()
        self._finish_run(run, last)

    def _finish_run(self, run: _Run, last: Event) -> None:
        run.end(last)
        if self._current is run:
            self._current = None
            self._start_next()

    def _last_event(self, run: _Run, task: asyncio.Task[Any]) -> Event:
        """Returns the event that says how a run ended; `end` ignores it if the run has published `complete`."""
        request = run.request
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ApiError):
            _log.error("run failed", runId=run.id, sessionId=request.thread_id, exc_info=error)
        if run.stopped_by is not None:
            return run.stopped_by
        failure = error if isinstance(error, ApiError) else RunFailed(request.language)
        return error_event(failure, run.id, request.request_id)

    def _stop(self, run: _Run, because: Event) -> None:
        if run.stopped_by is not None or run.task is None:
            return
        run.stopped_by = because
        run.task.cancel()
        # A run that ignores its cancellation does not keep the user waiting.
        run.stop_timer = asyncio.get_running_loop().call_later(self._stop_seconds, self._abandon, run, because)

    def _abandon(self, run: _Run, because: Event) -> None:
        _log.warning("a cancelled run does not stop", runId=run.id)
        self._finish_run(run, because)

    def drop_queued(self) -> asyncio.Task[Any] | None:
        """Ends all queued questions; returns the task of the current run, or None."""
        while self._queue:
            run = self._queue.popleft()
            run.end(self._stopping_error(run))
        return self._current.task if self._current else None

    def abort(self) -> None:
        """Stops the current run because the service stops."""
        if self._current is not None:
            self._stop(self._current, self._stopping_error(self._current))

    @staticmethod
    def _stopping_error(run: _Run) -> Error:
        return error_event(ServiceStopping(run.request.language), run.id, run.request.request_id)
