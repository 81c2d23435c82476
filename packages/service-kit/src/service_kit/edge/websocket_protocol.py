"""uvicorn's WebSocket protocol with limits, and without an error in the log for a refused handshake.

Source of the overridden methods: `uvicorn/protocols/websockets/websockets_sansio_impl.py`.
"""

from __future__ import annotations

from asyncio import BaseTransport
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from service_kit.edge.connections import Connections
from service_kit.edge.protocol import malformed_request
from service_kit.edge.raw_answers import raw_answer


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket under the limits of its `register`."""

    def __init__(self, *args: Any, register: Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._register = register
        self._stalled_since: float | None = None
        self._closing_since: float | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._register.adopt(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._register.leave(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._stalled_since = self._register.now
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_since = None
        super().resume_writing()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.read_paused and not self.transport.is_closing():
            # Nothing is read before the application asks for it: a socket that it refuses must not fill the memory.
            self.read_paused = True
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and not self.close_sent:
            # The head is complete but no handshake, for example a POST with a body: uvicorn would wait forever.
            self.handshake_complete = self.close_sent = True
            self._register.refusals.count("malformed", self.client[0] if self.client else None)
            self.transport.write(raw_answer(malformed_request(), self._register.language, self.default_headers))
            self.transport.close()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # The refusal was the whole answer; without this uvicorn logs that the handshake was never completed.
            self.handshake_complete = True

    def spare_rank(self) -> tuple[int, float] | None:
        return None

    def drop(self, reason: str) -> None:
        self._register.refusals.count(reason, self.client[0] if self.client else None)
        self.transport.abort()

    def expire(self, now: float) -> None:
        since = self._stalled_since
        if since is None and self.transport.is_closing():
            since = self._closing_since = self._closing_since or now
        if since is not None and now - since > self._register.limits.send_seconds:
            self.drop("reader_too_slow")
