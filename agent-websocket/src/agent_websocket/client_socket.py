"""A WebSocket as a session uses it: receives and sends text, and raises one exception when it is gone."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

SUBPROTOCOL = "agent.v1"
_CLOSE_SECONDS = 1.0


class SocketGoneError(Exception):
    """The peer has left, or has not read for too long."""


class Socket:
    """A WebSocket whose sends end: a peer that takes nothing for `send_seconds` counts as gone."""

    def __init__(self, websocket: WebSocket, send_seconds: float) -> None:
        self._websocket = websocket
        self._send_seconds = send_seconds

    async def accept(self) -> None:
        """Complete the handshake, choosing our subprotocol among the offered; raises SocketGoneError."""
        offered = self._websocket.scope.get("subprotocols", [])
        try:
            await self._websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            raise SocketGoneError from error

    async def receive(self) -> str | bytes:
        """Returns the next frame; raises SocketGoneError."""
        try:
            message = await self._websocket.receive()
        except WebSocketDisconnected as error:
            raise SocketGoneError from error
        if message["type"] == "websocket.disconnect":
            raise SocketGoneError
        text = message.get("text")
        return text if text is not None else message["bytes"]

    async def send(self, text: str) -> None:
        """Sends `text`; raises SocketGoneError."""
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError, TimeoutError) as error:
            raise SocketGoneError from error

    async def close(self, code: int, reason: str) -> None:
        """Sends a close frame if the peer still listens; never raises."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._websocket.close(code, reason)
