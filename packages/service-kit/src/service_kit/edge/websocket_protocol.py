"""uvicorn's WebSocket protocol with limits, and without an error in the log for a refused handshake.

Source of the overridden methods: `uvicorn/protocols/websockets/websockets_sansio_impl.py`.
"""

from __future__ import annotations

from asyncio import BaseTransport
from http import HTTPStatus
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from service_kit.edge.connections import Connections
from service_kit.edge.protocol_errors import malformed_request
from service_kit.edge.raw_answers import raw_answer
from service_kit.errors import ApiError

_PIECE_BYTES = 4096
"""What is parsed between two looks at the frames' number; 4096 bytes hold at most 682 of a client's frames."""

_FRAMES = 2048
_FRAMES_PER_SECOND = 256
"""A client may send this many frames, of any kind, and after them so many a second."""

_FRAGMENTS = 1024
"""The fragments of one message. Empty ones are no bytes of it, and would be kept without end."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket under the limits of its `register`."""

    def __init__(self, *args: Any, register: Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._register = register
        self._stalled_since: float | None = None
        self._closing_since: float | None = None
        self._frames_left: float = _FRAMES
        self._frames_counted_at = self._register.now

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
        if ServerProtocol().accept(event).status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self.handshake_initiated = True
            return self._refuse_handshake()  # uvicorn would send the library's own text
        super().handle_connect(event)
        if not self.read_paused and not self.transport.is_closing():
            # Nothing is read before the application asks for it: a socket that it refuses must not fill the memory.
            self.read_paused = True
            self.transport.pause_reading()
        return None

    def data_received(self, data: bytes) -> None:
        size = _PIECE_BYTES if self.handshake_initiated else len(data)
        for start in range(0, len(data), size):
            if not self.transport.is_closing():
                super().data_received(data[start : start + size])
        if not self.handshake_initiated and not self.close_sent:
            # The head is complete but no handshake, for example a POST with a body: uvicorn would wait forever.
            self._refuse_handshake()

    def handle_events(self) -> None:
        now = self._register.now
        earned = (now - self._frames_counted_at) * _FRAMES_PER_SECOND
        self._frames_left = min(_FRAMES, self._frames_left + earned) - len(self.conn.events)
        self._frames_counted_at = now
        super().handle_events()
        if self._frames_left < 0:
            self._end(CloseCode.POLICY_VIOLATION, "too_many_frames")
        elif len(self.frames) > _FRAGMENTS:
            self._end(CloseCode.MESSAGE_TOO_BIG, "too_many_fragments")

    def _end(self, code: CloseCode, reason: str) -> None:
        """Closes the socket, and counts the refusal."""
        if self.close_sent or self.transport.is_closing():
            return
        self._count(reason)
        self.conn.fail(code, reason)
        if self.conn.close_sent is None:  # the handshake is not complete
            self.transport.abort()
        else:
            self.handle_parser_exception()

    def _refuse_handshake(self) -> None:
        self.handshake_complete = self.close_sent = True
        self._count("malformed")
        headers = [*self.default_headers, (b"sec-websocket-version", b"13")]
        error = malformed_handshake() if self.handshake_initiated else malformed_request()
        self.transport.write(raw_answer(error, self._register.language, headers))
        self.transport.close()

    def _count(self, kind: str) -> None:
        self._register.refusals.count(kind, self.client[0] if self.client else None)

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # The refusal was the whole answer; without this uvicorn logs that the handshake was never completed.
            self.handshake_complete = True

    def spare_rank(self) -> tuple[int, float] | None:
        return None

    def drop(self, reason: str) -> None:
        self._count(reason)
        self.transport.abort()

    def expire(self, now: float) -> None:
        since = self._stalled_since
        if since is None and self.transport.is_closing():
            since = self._closing_since = self._closing_since or now
        if since is not None and now - since > self._register.limits.send_seconds:
            self.drop("reader_too_slow")


def malformed_handshake() -> ApiError:
    return ApiError(
        400, "malformed_handshake", "This is not a handshake of WebSocket version 13.",
        spanish="Esto no es un saludo inicial de WebSocket, versión 13.",
    )  # fmt: skip
