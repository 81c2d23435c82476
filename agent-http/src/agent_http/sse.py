"""Sends the events of a run as server-sent events; a client may leave at any moment.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

from agent_core.events import Cancelled, Emit, Event, error_event, numbered
from service_kit.errors import ApiError, internal_error
from service_kit.service import PING_SECONDS
from service_kit.telemetry.logs import get_logger
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_log = get_logger(__name__)

_SEND_SECONDS = 30.0
_PING = b": ping\n\n"
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}

Start = Callable[[Emit], Awaitable[object]]


def render(event: Event) -> bytes:
    """Returns one event in SSE form: `id` is its seq, `event` its type, `data` its JSON."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.type.encode(), event.to_json())


class EventStream(Response):
    """Runs `start(emit)` and sends what it emits; the run is cancelled when the client leaves."""

    def __init__(self, start: Start, *, run_id: str, request_id: str, ping_seconds: float = PING_SECONDS) -> None:
        super().__init__(media_type="text/event-stream", headers=_HEADERS)
        # The length is not known, and Response has taken the empty body's.
        del self.headers["content-length"]
        self._start = start
        self._run_id = run_id
        self._request_id = request_id
        self._ping_seconds = ping_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        try:
            await until_disconnected(receive, sending)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, TimeoutError):
                await sending

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with contextlib.aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                # A client that stops reading must not keep a run and its memory for ever.
                async with asyncio.timeout(_SEND_SECONDS):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        run = asyncio.create_task(self._run(events))
        seq = 0
        try:
            while True:
                try:
                    async with asyncio.timeout(self._ping_seconds):
                        event = await events.get()
                except TimeoutError:
                    yield _PING
                    continue
                if event is None:
                    return
                seq += 1
                yield render(numbered(event, seq))
        finally:
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run

    async def _run(self, events: asyncio.Queue[Event | None]) -> None:
        """Runs the question; the last event always says how the run ended."""
        try:
            await self._start(events.put_nowait)
        except asyncio.CancelledError:
            events.put_nowait(Cancelled(run_id=self._run_id))
            raise
        except ApiError as error:
            events.put_nowait(error_event(error, self._run_id, self._request_id))
        except Exception as error:  # noqa: BLE001 - the stream has begun: a fault of ours is an event too
            _log.error("unexpected error", exc_info=error)
            events.put_nowait(error_event(internal_error(), self._run_id, self._request_id))
        finally:
            events.put_nowait(None)


async def until_disconnected(receive: Receive, work: asyncio.Task[object]) -> bool:
    """Waits until `work` is done or the client has left; returns whether it is done, and raises what it raised."""
    leaving = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
    if not work.done():
        return False
    work.result()
    return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
