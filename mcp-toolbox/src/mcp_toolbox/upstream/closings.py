"""The ends of connections, each in a task of its own: a new connection does not wait for the one before."""

from __future__ import annotations

import asyncio
import contextlib

from service_kit.telemetry.logs import get_logger

from mcp_toolbox.upstream.connection import Connection
from mcp_toolbox.upstream.transport import Transport

_log = get_logger(__name__)

_CLOSE_SECONDS, _CLOSE_TRIES = 12.0, 2


class Closings:
    """The connections of one server that are being closed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(
        self, life: asyncio.Task[None], transport: Transport, draining: Connection | None, drain_seconds: float
    ) -> asyncio.Task[None]:
        """Begins to close a connection. If only its session was lost (`draining`), its running calls may first learn
        that by themselves, so that each knows whether it ran."""
        task = asyncio.create_task(_end_of(life, transport, draining, drain_seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def ended(self) -> None:
        """Closes all of them, without waiting for calls."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()  # which ends its wait for calls
        await asyncio.gather(*tasks, return_exceptions=True)


async def _end_of(
    life: asyncio.Task[None], transport: Transport, draining: Connection | None, drain_seconds: float
) -> None:
    try:
        if draining is not None:
            await draining.drained(drain_seconds)
    finally:
        await _closed(life, transport)


async def _closed(life: asyncio.Task[None], transport: Transport) -> None:
    """Ends a connection in order, or abandons it if that takes too long."""
    try:
        for _ in range(_CLOSE_TRIES):  # the SDK sometimes turns a cancellation into an error of its own
            life.cancel()
            await asyncio.wait({life}, timeout=_CLOSE_SECONDS / _CLOSE_TRIES)
            if life.done():
                break
    finally:
        transport.abandon()
    if not life.done():
        _log.error("connection does not close; it is left behind", task=life.get_name())
    with contextlib.suppress(asyncio.CancelledError):
        if life.done():
            life.exception()
