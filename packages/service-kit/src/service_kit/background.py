"""Loops that run beside the requests: supervised, restarted, and shown in `/health`.

    async with supervised("catalog file", self._check, every_seconds=1.0):
        ...  # the loop lives as long as the block

A loop that fails is logged, waits, and runs again; it never ends unnoticed. It belongs to the service in whose lifespan
it is started (`BackgroundLoops`), or to none, as in a script or a test.
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
"""A restarted loop without turns of its own counts as mended when it has run for this long."""
_CLOSE_SECONDS, _CLOSE_TRIES = 5.0, 5

State = Literal["running", "failing", "done", "stuck"]
"""`failing`: it raised, and is run again after a pause. `done`: it had an end, and reached it. `stuck`: it was told to
stop and did not."""

Work = Callable[[], Awaitable[None]]


class Unavailable(Exception):
    """Something outside the process is away, which is expected now and then: logged in one line, not as a fault of
    the code with its traceback."""


class LoopStatus(BaseModel, frozen=True):
    """A loop as `/health` shows it: `error` is the kind of the last failure, `since` when the state began."""

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
        """Whether any loop does not do its work at the moment."""
        return any(loop.status.state in ("failing", "stuck") for loop in self._loops)

    def to_health(self) -> list[LoopStatus]:
        return [loop.status for loop in self._loops]

    @contextlib.contextmanager
    def collecting(self):
        """Loops that are started in the block, or by tasks that are made in it, are of this service."""
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
    """Run `work` in a task of its own until the block ends, and again after it has failed.

    With `every_seconds` it is one turn, repeated after that pause; without, it runs until it returns, and that is its
    end. After a failure the pauses grow from 0.1 s (or `every_seconds`) to `longest_pause_seconds`. Each change of what
    fails is logged once, and so is the recovery. When the block ends, the task is cancelled and has ended before this
    returns; one that does not end within five seconds is left behind with an error in the log.
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
    for _ in range(_CLOSE_TRIES):  # libraries make an error of their own of a cancellation here and there
        if task.done():
            break
        task.cancel()
        # Not `await task`: that could not tell the task's cancellation from one of our own, which has to go on.
        await asyncio.wait({task}, timeout=_CLOSE_SECONDS / _CLOSE_TRIES)
    if not task.done():
        loop.note("stuck", "CancellationIgnored")
        _log.error("background loop does not stop; it is left behind", loop=task.get_name())


class _Loop:
    def __init__(self, name: str, work: Work, every_seconds: float | None, longest_pause_seconds: float) -> None:
        self._work = work
        self._every = every_seconds
        self._longest = longest_pause_seconds
        self.status = LoopStatus(name=name, state="running", since=datetime.now(UTC))

    def note(self, state: State, error: str | None = None) -> bool:
        """Whether this is a change."""
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
        """Run the work once; returns what it raised."""
        task = asyncio.current_task()
        assert task is not None
        steady = None
        if self._every is None and self.status.state == "failing":
            steady = asyncio.get_running_loop().call_later(STEADY_SECONDS, self._note_success, "running")
        try:
            await self._work()
        except (Exception, asyncio.CancelledError) as error:  # whatever it is, the loop goes on
            if task.cancelling():
                # Also where a library raised an error of its own in place of the cancellation.
                raise asyncio.CancelledError from error
            return error  # a CancelledError here is that of something the work awaited
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
    """A pause that ends early when it is asked to."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """End the pause that is being waited for, or else the next one at once."""
        self._event.set()

    def clear(self) -> None:
        """Forget what was asked for until now: what is about to be done is the answer to it."""
        self._event.clear()

    async def wait(self, seconds: float) -> bool:
        """Wait until it is `set`, at most this long; whether it was."""
        with contextlib.suppress(TimeoutError):
            # Not asyncio.wait_for, which loses a cancellation that comes as the event does (until Python 3.12).
            async with asyncio.timeout(seconds):
                await self._event.wait()
        woken = self._event.is_set()
        self._event.clear()
        return woken
