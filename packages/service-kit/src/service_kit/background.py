"""Background loops: supervised, restarted after a failure, and shown in `/health`.

    async with supervised("catalog file", self._check, every_seconds=1.0):
        ...  # the loop runs until the block ends

A loop that fails is logged and runs again after a pause, so that it never ends unnoticed. It belongs to the service in
whose lifespan it is started (see `BackgroundLoops`), or to none, as in a script or a test.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 30.0
STEADY_SECONDS = 30.0
"""A restarted loop without `every_seconds` counts as recovered when it has run for this long."""
_CLOSE_SECONDS, _CLOSE_TRIES = 5.0, 5

State = Literal["running", "failing", "done", "stuck"]
"""`running` is the usual state. `failing`: the loop raised, and runs again after a pause. `done`: it has returned.
`stuck`: it was cancelled and has not ended."""

Work = Callable[[], Awaitable[None]]


class Unavailable(Exception):
    """Something outside the process is away. This is expected now and then, so it is logged in one line, without a
    traceback."""


class LoopStatus(BaseModel, frozen=True):
    """The state of a loop in `/health`. `error` is the type of the last failure, `since` the time at which the state
    began."""

    name: str
    state: State
    error: str | None = None
    since: datetime


class BackgroundLoops:
    """The loops of one service, in the order in which they were started."""

    def __init__(self) -> None:
        self._loops: list[_Loop] = []

    def __len__(self) -> int:
        return len(self._loops)

    @property
    def failing(self) -> bool:
        """Whether any loop is failing or stuck."""
        return any(loop.status.state in ("failing", "stuck") for loop in self._loops)

    def to_health(self) -> list[LoopStatus]:
        """Returns the status of each loop for `/health`, in the order in which they were started."""
        return [loop.status for loop in self._loops]

    @contextlib.contextmanager
    def collecting(self):
        """Adds the loops that are started in the block, also by tasks created in it, to this service."""
        token = _collector.set(self)
        try:
            yield
        finally:
            _collector.reset(token)

    def add(self, loop: _Loop) -> None:
        self._loops.append(loop)

    def remove(self, loop: _Loop) -> None:
        self._loops.remove(loop)


_collector: ContextVar[BackgroundLoops | None] = ContextVar("background_loops", default=None)


@asynccontextmanager
async def supervised(
    name: str,
    work: Work,
    *,
    every_seconds: float | None = None,
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS,
) -> AsyncIterator[None]:
    """Runs `work` in a task until the block ends, and again after each failure.

    With `every_seconds`, `work` is one turn, which is repeated after that pause. Without, `work` runs until it returns,
    and is then done. After a failure the pauses grow from 0.1 s (or `every_seconds`, if that is longer) to
    `longest_pause_seconds`. Each new kind of failure is logged once, and so is the recovery. When the block ends, the
    task is cancelled and awaited; a task that has not ended within 5 s is left behind, with an error in the log.
    """
    loops = _collector.get()
    loop = _Loop(name, work, every_seconds, longest_pause_seconds)
    if loops is not None:
        loops.add(loop)
    task = asyncio.create_task(loop.run(), name=name)
    try:
        yield
    finally:
        await _closed(task, loop)
        if loops is not None and task.done():
            loops.remove(loop)


async def _closed(task: asyncio.Task[None], loop: _Loop) -> None:
    loop.closing = True
    for _ in range(_CLOSE_TRIES):  # some libraries turn a cancellation into an error of their own
        if task.done():
            break
        task.cancel()
        # Not `await task`: it could not tell the task's cancellation from a cancellation of this coroutine.
        await asyncio.wait({task}, timeout=_CLOSE_SECONDS / _CLOSE_TRIES)
    if not task.done():
        loop.note("stuck", "CancellationIgnored")
        _log.error("background loop does not stop; it is left behind", loop=task.get_name())


class _Loop:
    def __init__(self, name: str, work: Work, every_seconds: float | None, longest_pause_seconds: float) -> None:
        self._work = work
        self._every = every_seconds
        self._longest = longest_pause_seconds
        self.closing = False
        self.status = LoopStatus(name=name, state="running", since=datetime.now(UTC))

    def note(self, state: State, error: str | None = None) -> bool:
        """Sets the state, and returns whether it has changed."""
        if (state, error) == (self.status.state, self.status.error):
            return False
        self.status = LoopStatus(name=self.status.name, state=state, error=error, since=datetime.now(UTC))
        return True

    async def run(self) -> None:
        failures = 0
        while True:
            if self._every is not None or failures:
                await asyncio.sleep(self._pause(failures))
            error = await self._turn()
            if error is not None:
                failures += 1
                self._note_failure(error)
            elif self._every is None:
                self._note_success("done")
                return
            else:
                failures = 0
                self._note_success("running")

    async def _turn(self) -> BaseException | None:
        """Runs the work once, and returns what it raised, or None."""
        task = asyncio.current_task()
        assert task is not None
        steady = None
        if self._every is None and self.status.state == "failing":
            steady = asyncio.get_running_loop().call_later(STEADY_SECONDS, self._note_success, "running")
        try:
            await self._work()
        except (Exception, asyncio.CancelledError) as error:  # a supervisor: it survives every failure of the work
            if self.closing or task.cancelling():
                # This task is being cancelled, even if a library has turned the cancellation into another error or, as
                # anyio's cancel scopes do at times, has taken it off the task's count.
                raise asyncio.CancelledError from error
            return error  # a CancelledError that reaches this line comes from a task that the work awaited
        finally:
            if steady is not None:
                steady.cancel()
        return None

    def _pause(self, failures: int) -> float:
        base = self._every if self._every is not None else FIRST_PAUSE_SECONDS
        if not failures:
            return base
        return max(base, min(max(base, FIRST_PAUSE_SECONDS) * 2 ** min(failures - 1, 30), self._longest))

    def _note_failure(self, error: BaseException) -> None:
        if not self.note("failing", type(error).__name__):
            return
        if isinstance(error, Unavailable):
            _log.warning("background loop failed; it runs again", loop=self.status.name, error=str(error))
        else:
            _log.error("background loop failed; it runs again", loop=self.status.name, exc_info=error)

    def _note_success(self, state: State) -> None:
        failed = self.status.error
        if self.note(state) and failed is not None:
            _log.info("background loop works again", loop=self.status.name, after=failed)


class Wakeup:
    """A pause that another task can end early."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Ends the current pause, or the next one if none is in progress."""
        self._event.set()

    def clear(self) -> None:
        """Forgets earlier calls of `set`. Called before work that answers all of them."""
        self._event.clear()

    async def wait(self, seconds: float) -> bool:
        """Waits until `set` is called, for at most `seconds`, and returns whether it was called."""
        with contextlib.suppress(TimeoutError):
            # Not asyncio.wait_for: until Python 3.12 it loses a cancellation that arrives together with the event.
            async with asyncio.timeout(seconds):
                await self._event.wait()
        woken = self._event.is_set()
        self._event.clear()
        return woken
