"""Calls in flight: each runs in a task of its own, which `SingleFlight` owns; equal calls share one.

`SharedCall` holds the state; this module adds the tasks, the waiting and the time limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar, cast

from service_kit.errors import ApiError
from service_kit.telemetry.logs import get_logger

from llm_gateway.errors import UpstreamProtocol, UpstreamTimeout
from llm_gateway.pipeline.shared_calls import BufferLimits, CallState, Position, ReaderBehind, SharedCall, Signal

T = TypeVar("T")
P = TypeVar("P", contravariant=True)
T_co = TypeVar("T_co", covariant=True)

_log = get_logger(__name__)

_NOTHING_YET, _END = Signal
_STOP_SECONDS = 1.0
"""The longest wait for the end of a call that was cancelled."""
_PIECES_A_TURN = 64
"""A reader that finds pieces ready yields to the loop after so many of them."""


class Outlet(Protocol[P]):
    """Takes the pieces of a call from its source."""

    def publish(self, piece: P, weight: int = 0) -> bool:
        """Adds a piece of about `weight` bytes. Returns whether the source may go on; else it waits for `room`."""
        ...

    async def room(self) -> None:
        """Returns when a reader has come far enough. Raises UpstreamTimeout if that takes until `ends_at`."""
        ...


class CallSource(Protocol[T_co]):
    """What a shared call does, in the call's own task.

    `ends_at` is when the call is given up however slowly it is read, by the loop's clock, once that is known.
    """

    ends_at: float | None

    async def run(self, outlet: Outlet[T_co]) -> None:
        """Publishes all pieces. What it raises is raised in every reader, after the pieces before."""
        ...

    async def after(self) -> None:
        """Does what may wait until the readers have the last piece. Equal calls find this one until it returns."""
        ...


class CallReader(Generic[T]):
    """One of the readers of a shared call. `began` says that the call was started for it."""

    __slots__ = ("_position", "_shared", "_taken", "began")

    def __init__(self, shared: _CallTask[T], *, began: bool) -> None:
        self._shared = shared
        self._position = shared.call.attach()
        self._taken = 0
        self.began = began
        if began:
            shared.beginner = self._position

    @property
    def source(self) -> CallSource[T]:
        return self._shared.source

    async def next(self) -> T | None:
        """The next piece; None at the end.

        Raises:
            ApiError: what the call failed with, or that this reader was too slow.
            Exception: a fault of ours, for the reader that began the call; the others are told UpstreamProtocol.
        """
        shared, position = self._shared, self._position
        call = shared.call
        while True:
            try:
                piece = call.read(position)
            except ReaderBehind:
                raise too_slow() from None
            except ApiError:
                raise
            except Exception as error:
                if self.began:
                    raise
                raise UpstreamProtocol("the shared call was given up") from error
            if piece is _NOTHING_YET:
                waiter = shared.loop.create_future()
                shared.waiters.append(waiter)
                try:
                    await waiter
                except asyncio.CancelledError:
                    if waiter in shared.waiters:  # else the next piece would remove it, which may be long in coming
                        shared.waiters.remove(waiter)
                    raise
                continue
            if shared.roomy is not None:
                shared.was_read()
            if piece is _END:
                return None
            self._taken += 1
            if self._taken % _PIECES_A_TURN == 0:
                await asyncio.sleep(0)
            return cast("T", piece)

    def claim(self, *, complete: bool = False) -> bool:
        """Returns whether the call is billed to this reader, which is true for exactly one reader of a call: the one
        that began it, or, if that one left early, the first to see the end or the last to leave. `complete` says that
        this reader has seen the end."""
        shared = self._shared
        over = complete or shared.call.state is not CallState.RUNNING
        alone = shared.call.readers == 0 or (shared.call.readers == 1 and self._position.attached)
        if shared.billed or not (over or alone) or not (self.began or shared.beginner_left()):
            return False
        shared.billed = True
        return True

    async def close(self) -> None:
        """Leaves the call. The last reader to leave a running call cancels it and waits for its end."""
        shared = self._shared
        shared.call.detach(self._position)
        if shared.call.state is CallState.ABANDONED:
            await shared.cancel()


class _CallTask(Generic[T]):
    """A shared call, its task, and the futures that its readers and its producer wait for."""

    __slots__ = ("beginner", "billed", "call", "loop", "roomy", "source", "task", "waiters")

    def __init__(self, source: CallSource[T], limits: BufferLimits) -> None:
        self.source = source
        self.call: SharedCall[T] = SharedCall(limits)
        self.task: asyncio.Task[None] | None = None
        self.billed = False
        self.beginner: Position | None = None
        self.loop = asyncio.get_running_loop()
        self.waiters: list[asyncio.Future[None]] = []  # readers', in the order in which they came
        self.roomy: asyncio.Future[None] | None = None

    # --- readers ---

    def beginner_left(self) -> bool:
        """Whether the reader that began the call has left it, or lost its place."""
        return self.beginner is None or not self.beginner.attached

    def was_read(self) -> None:
        """Wakes the producer if it waits for room and there is some."""
        if self.roomy is not None and not self.roomy.done() and self.call.has_room:
            self.roomy.set_result(None)

    async def cancel(self) -> None:
        """Ends the call's task, and waits for it a moment: it hangs up, which providers do not delay."""
        task = cast("asyncio.Task[None]", self.task)
        task.cancel()
        _, still_running = await asyncio.wait([task], timeout=_STOP_SECONDS)
        if still_running:
            _log.warning("a call that was cancelled goes on", call=task.get_name())

    # --- the task ---

    async def run(self) -> None:
        """Runs the source to its end, at the pace of the fastest reader."""
        call = self.call
        try:
            await self.source.run(self)
            call.finish()
        except asyncio.CancelledError:
            call.fail(stopping())
            raise
        except Exception as error:  # noqa: BLE001 - it is raised in every reader, which is where it is answered
            call.fail(error)
        finally:
            if self.waiters:
                self._wake()
        if call.state is CallState.FINISHED:
            await asyncio.sleep(0)  # the readers go first
            await self.source.after()

    def publish(self, piece: T, weight: int = 0) -> bool:
        room = self.call.publish(piece, weight)
        if self.waiters:
            self._wake()
        return room

    def _wake(self) -> None:
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():  # else its reader was cancelled meanwhile
                waiter.set_result(None)

    async def room(self) -> None:
        self.roomy = self.loop.create_future()
        try:
            async with asyncio.timeout_at(self.source.ends_at):
                await self.roomy
        except TimeoutError as error:
            raise UpstreamTimeout("its readers took longer than the whole answer may") from error
        finally:
            self.roomy = None


class SingleFlight(Generic[T]):
    """The calls in flight, by key. It owns their tasks: `running` ends with none of them left."""

    def __init__(self, limits: BufferLimits | None = None) -> None:
        self._limits = limits or BufferLimits()
        self._shared: dict[bytes, _CallTask[T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def join(self, key: bytes) -> CallReader[T] | None:
        """A reader of the call that is in flight under `key`, if one is whose beginning can still be read."""
        shared = self._shared.get(key)
        return CallReader(shared, began=False) if shared is not None and shared.call.joinable else None

    def start(self, source: CallSource[T], name: str, key: bytes | None = None) -> CallReader[T]:
        """Runs `source`, and gives its first reader; it must be closed. Without a `key` no other will join."""
        shared = _CallTask(source, self._limits)
        reader = CallReader(shared, began=True)
        task = shared.task = shared.loop.create_task(shared.run(), name=name)
        self._tasks.add(task)
        if key is None:
            task.add_done_callback(self._tasks.discard)
        else:
            self._shared[key] = shared
            task.add_done_callback(lambda done: self._ended(done, key, shared))
        return reader

    def _ended(self, task: asyncio.Task[None], key: bytes, shared: _CallTask[T]) -> None:
        self._tasks.discard(task)
        if self._shared.get(key) is shared:  # an abandoned call may have been replaced by now
            del self._shared[key]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Owns the calls for the length of the block; those that are left at its end are cancelled."""
        try:
            yield
        finally:
            await self.close()

    async def close(self) -> None:
        """Cancels every call, and waits for their ends."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)


def too_slow() -> ApiError:
    """Returns the error (503) of a stream whose reader fell too far behind the other readers of the same call."""
    return ApiError(
        503, "stream_reader_too_slow", "This stream was read too slowly to be kept for its reader.", retry_after=1.0,
        spanish="Este flujo se ha leído demasiado despacio para guardarlo.",
    )  # fmt: skip


def stopping() -> ApiError:
    """Returns the error (503) of a call that ends because the gateway stops."""
    return ApiError(503, "stopping", "The service is stopping.", spanish="El servicio se está deteniendo.")
