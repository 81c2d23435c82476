"""One socket on a channel: reads the client's frames and writes the channel's events, each at its own pace.

The session keeps a position in the channel's log and nothing else, so that replay and live delivery are one loop
and a slow reader holds no memory: when the log has moved past its position the socket is closed, and may resume.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from agent_core.agent import ModelInfo, RunRequest, ToolInfo
from agent_core.events import error_event
from agent_core.runs.channel import RunChannel
from agent_core.runs.event_log import PositionGoneError
from service_kit.errors import ApiError
from service_kit.ids import traceparent

from agent_websocket import texts
from agent_websocket.client_socket import Socket, SocketGoneError
from agent_websocket.protocol import (
    Cancel,
    ClientFrame,
    Connected,
    FrameError,
    Message,
    Ping,
    Pong,
    Resume,
    ServerFrame,
    Snapshot,
    encode,
    parse,
    raw_events,
    refusal,
)

GOING_AWAY = 1012
TRY_AGAIN_LATER = 1013

_BATCH = 64
_SNAPSHOT_BYTES = 512 * 1024
"""Clients refuse a frame past some size, many of them at 1 MiB."""

RESUME_WITHIN_SECONDS = 1.0
"""How long live events wait for a client that comes back to say from where on it wants them."""


@dataclass(frozen=True)
class Caller:
    """The client of a socket, as the edge has identified it."""

    principal: str
    language: str
    request_id: str
    traceparent: str | None


class Session:
    """Serves one socket until it is gone or the session is stopped; runs go on without it."""

    def __init__(
        self,
        socket: Socket,
        channel: RunChannel,
        caller: Caller,
        submit: Callable[[RunChannel, RunRequest], None],
        *,
        max_message_bytes: int,
    ) -> None:
        self._socket = socket
        self._channel = channel
        self._caller = caller
        self._submit = submit
        self._max_message_bytes = max_message_bytes
        self._position = channel.last_seq
        self._new_events = asyncio.Event()
        self._client_spoke = asyncio.Event()
        self._stop = asyncio.Event()
        # Held while a batch or a snapshot goes out: neither may come in the middle of the other.
        self._writing = asyncio.Lock()

    def stop(self) -> None:
        """Makes the session write the remaining events and close, because the service stops."""
        self._stop.set()

    async def serve(self, models: list[ModelInfo], tools: list[ToolInfo]) -> None:
        """Sends the greeting, then reads and writes until either ends."""
        channel = self._channel
        with channel.follow(self._new_events.set):
            greeting = Connected(
                message=texts.connected(self._caller.language),
                connection_id=channel.id,
                epoch=channel.epoch,
                last_seq=self._position,
                running=channel.running,
                run_id=channel.run_id if channel.running else None,
                models=models,
                tools=tools,
            )
            with contextlib.suppress(SocketGoneError):
                await self._reply(greeting)
                await self._until_one_ends()

    async def _until_one_ends(self) -> None:
        tasks = [asyncio.create_task(work()) for work in (self._read, self._write, self._close_when_stopped)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    # --- out ---

    async def _write(self) -> None:
        if self._position > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESUME_WITHIN_SECONDS):
                    await self._client_spoke.wait()
        while True:
            try:
                if not await self._write_batch():
                    await self._new_events.wait()
            except PositionGoneError:
                return await self._socket.close(TRY_AGAIN_LATER, "too slow; connect again and resume")

    async def _write_batch(self) -> bool:
        """Sends the next events; returns whether there were any."""
        async with self._writing:
            self._new_events.clear()
            batch = self._channel.after(self._position, _BATCH)
            for entry in batch:
                await self._socket.send(entry.text)
                self._position = entry.seq
            return bool(batch)

    async def _close_when_stopped(self) -> None:
        await self._stop.wait()
        with contextlib.suppress(PositionGoneError):
            while await self._write_batch():
                pass
        await self._socket.close(GOING_AWAY, "the service restarts; connect again")

    async def _reply(self, frame: ServerFrame) -> None:
        await self._socket.send(encode(frame))

    # --- in ---

    async def _read(self) -> None:
        while True:
            frame = await self._socket.receive()
            try:
                await self._handle(parse(frame, max_bytes=self._max_message_bytes))
            except FrameError as error:
                self._publish_error(ApiError(400, error.code, texts.explain(error, self._caller.language)))
            except ApiError as error:
                self._publish_error(error)
            self._client_spoke.set()

    def _publish_error(self, error: ApiError) -> None:
        self._channel.publish(error_event(error, None, self._caller.request_id))

    async def _handle(self, frame: ClientFrame) -> None:
        match frame:
            case Message():
                self._submit(self._channel, self._request(frame))
            case Cancel(run_id=run_id):
                self._channel.cancel(run_id, self._caller.language)
            case Ping():
                await self._reply(Pong())
            case Resume():
                await self._resume(frame)

    def _request(self, message: Message) -> RunRequest:
        run_id = f"run_{uuid.uuid4().hex}"
        return RunRequest(
            input=message.content,
            model=(message.model or "").strip() or None,
            thread_id=message.thread_id or self._channel.id,
            run_id=run_id,
            user=self._caller.principal,
            language=self._caller.language,
            request_id=run_id,
            traceparent=traceparent(self._caller.traceparent),
        )

    async def _resume(self, frame: Resume) -> None:
        async with self._writing:
            try:
                if frame.epoch not in (None, self._channel.epoch):
                    raise PositionGoneError
                self._channel.after(frame.after, 0)
                self._position = frame.after
            except PositionGoneError:
                await self._send_snapshot()
            self._new_events.set()

    async def _send_snapshot(self) -> None:
        """Sends `resume_failed` and a snapshot of the current run; the sequence continues after it."""
        channel = self._channel
        entries = channel.of_last_run(_SNAPSHOT_BYTES)
        self._position = channel.last_seq
        snapshot = Snapshot(
            run_id=channel.run_id,
            running=channel.running,
            last_seq=self._position,
            epoch=channel.epoch,
            events=raw_events(entry.text for entry in entries),
        )
        gone = ApiError(409, "resume_failed", texts.resume_failed(self._caller.language))
        await self._reply(refusal(gone, self._caller.request_id))
        await self._reply(snapshot)
