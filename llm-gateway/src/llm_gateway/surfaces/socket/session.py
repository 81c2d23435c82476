"""One socket: takes prompts, several at once, and sends their chunks as they come."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
from service_kit.auth.principal import Principal
from service_kit.errors import ApiError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from llm_gateway.dialects.prompt.parse_message import Ask, CallId, Cancel, MisreadMessage, parse_message
from llm_gateway.dialects.prompt.render import encode, failure_of
from llm_gateway.dialects.prompt.render_stream import ChunkEncoder
from llm_gateway.errors import InvalidRequest
from llm_gateway.pipeline.caller import Caller, Disconnect, LeaveReason
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.surfaces.chunks import emit_stream, shown
from llm_gateway.surfaces.http.raw_endpoint import session_id
from llm_gateway.surfaces.send_limits import SendLimits

MOST_AT_ONCE = 32
"""The calls that one socket may have under way."""

GOING_AWAY = 1012
TRY_AGAIN_LATER = 1013
_CLOSE_SECONDS = 1.0
_GONE = (WebSocketDisconnect, WebSocketDisconnected, RuntimeError, OSError)
"""What sending to a socket raises once its client has left."""


class PromptSocket:
    """Serves one accepted WebSocket. `caller` is what its handshake says of its client; each message is a call of that
    caller's, with an id of its own.

    A message that means nothing gets an error, and the socket stays. A client that reads nothing for as long as
    `limits` allow is left.
    """

    def __init__(
        self, websocket: WebSocket, caller: Caller, principal: Principal, pipeline: Pipeline, limits: SendLimits
    ) -> None:
        self._websocket = websocket
        self._caller = caller
        self._principal = principal
        self._pipeline = pipeline
        self._limits = limits
        self._calls: dict[CallId, asyncio.Task[None]] = {}
        self._departures: dict[CallId, Disconnect] = {}
        self._asked = 0
        self._sending = asyncio.Lock()
        self._disconnect: Disconnect | None = None
        self._stopping: ApiError | None = None

    # --- for the service that stops ---

    def stop(self, reason: ApiError) -> None:
        """Answers further prompts with `reason`; what is under way goes on."""
        self._stopping = reason

    async def idle(self) -> None:
        """Returns once nothing is under way."""
        while self._calls:
            await asyncio.wait(list(self._calls.values()))

    async def close(self, code: int, reason: str) -> None:
        """Sends a close frame if the client still listens; never raises."""
        with contextlib.suppress(*_GONE, TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._websocket.close(code, reason)

    # --- in ---

    async def serve(self) -> None:
        """Returns when the client has left, or is left because it does not read."""
        task = asyncio.current_task()
        assert task is not None
        self._disconnect = disconnect = Disconnect(task)
        self._limits.open.add(disconnect)
        try:
            while True:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                await self._take(message.get("text"))
        except _GONE:
            pass
        except asyncio.CancelledError:
            if not disconnect.left:
                raise  # the server stops
            task.uncancel()
        finally:
            self._limits.open.discard(disconnect)
            await self._leave(disconnect.reason or "client_gone")
        if disconnect.left:
            await self.close(TRY_AGAIN_LATER, "too slow")

    async def _leave(self, reason: LeaveReason) -> None:
        calls = list(self._calls.values())
        for departure in self._departures.values():
            departure.leave(reason)
        if calls:
            await asyncio.wait(calls)

    async def _take(self, text: str | None) -> None:
        """Does what one message asks for, or answers why not."""
        self._asked += 1
        caller = msgspec.structs.replace(self._caller, request_id=f"{self._caller.request_id}-{self._asked}")
        call_id: CallId = None
        try:
            if text is None:
                raise InvalidRequest("Send text: one JSON object a message.", code="binary_message")
            message = parse_message(text)
            call_id = message.id
            if isinstance(message, Cancel):
                return self._cancel(message)
            await self._begin(message, caller)
        except ApiError as error:
            self._pipeline.unread(error, caller)
            tag = error.call_id if isinstance(error, MisreadMessage) else call_id
            await self._send(tag, {**failure_of(error, caller.request_id), "finished": True})

    def _cancel(self, message: Cancel) -> None:
        departure = self._departures.get(message.id)  # a call that has just ended needs no more
        if departure is not None:
            departure.leave()

    async def _begin(self, ask: Ask, caller: Caller) -> None:
        if self._stopping is not None:
            raise self._stopping
        if ask.id in self._calls:
            raise InvalidRequest("id: a call of this id is under way; give each its own", param="id", code="id_in_use")
        if len(self._calls) >= MOST_AT_ONCE:
            raise ApiError(429, "too_many_calls", f"At most {MOST_AT_ONCE} calls at a time on one socket.")
        user = self._principal.end_user(ask.user) if ask.user else caller.user
        session = session_id(ask.session, "sessionId") or caller.session
        caller = msgspec.structs.replace(caller, user=user, session=session)
        task = asyncio.create_task(self._answer(ask, caller), name=f"socket call {caller.request_id}")
        self._calls[ask.id] = task
        await asyncio.sleep(0)  # the call begins; one that is cancelled before would leave no record

    # --- out ---

    async def _answer(self, ask: Ask, caller: Caller) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._departures[ask.id] = disconnect = Disconnect(task)
        chunks = ChunkEncoder(caller.request_id)
        caller = msgspec.structs.replace(caller, disconnect=disconnect)

        async def emit(chunk: dict[str, Any]) -> None:
            try:
                await self._send(ask.id, chunk)
            except _GONE:  # found here before the socket's end is read
                disconnect.leave()
                await asyncio.sleep(0)  # which is where the call is cancelled

        try:
            async with self._pipeline.generate(ask.request, caller) as call:
                await emit_stream(call, chunks, emit)
        except asyncio.CancelledError:
            if not disconnect.left:
                raise  # the server stops
            task.uncancel()
            await self._end(ask.id, chunks.fail(_cancelled()))
        except Exception as error:  # noqa: BLE001 - whatever spoils one call leaves the others
            await self._end(ask.id, chunks.fail(shown(error)))
        finally:
            del self._calls[ask.id], self._departures[ask.id]

    async def _end(self, call_id: CallId, chunk: dict[str, Any]) -> None:
        with contextlib.suppress(*_GONE):
            await self._send(call_id, chunk)

    async def _send(self, call_id: CallId, chunk: dict[str, Any]) -> None:
        disconnect = self._disconnect
        assert disconnect is not None
        if disconnect.left:
            return
        text = encode(chunk if call_id is None else {"id": call_id, **chunk}).decode()
        async with self._sending:
            disconnect.sending_since = asyncio.get_running_loop().time()
            try:
                await self._websocket.send_text(text)
            finally:
                disconnect.sending_since = 0.0


def _cancelled() -> ApiError:
    return ApiError(499, "cancelled", "The call was cancelled.")
