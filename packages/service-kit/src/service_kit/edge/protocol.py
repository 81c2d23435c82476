"""uvicorn's HTTP protocol with limits on the size of a head, on the time of a request, and on bytes without content.

uvicorn's own protocol has no such limits. They are applied before the application, and so before the key, host and
origin are looked at. Source of the overridden methods: `uvicorn/protocols/http/httptools_impl.py`.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service_kit.edge import protocol_errors
from service_kit.edge.connections import Connections
from service_kit.edge.departure import DEPARTURE, AnsweredConnection, Departure
from service_kit.edge.raw_answers import raw_answer
from service_kit.errors import ApiError

REFUSAL = "refusal"
"""The key of the request's state under which `LimitedBody` finds the error that ended the body."""

_IDLE, _HEAD, _BODY, _REFUSED = range(4)
"""The phases of a connection: between two requests (one may be being answered), in a head, in a body, and after a
refusal, when nothing more is parsed."""

_PIECE_BYTES = 64 * 1024
_UNHEEDED_SECONDS = 5.0
"""The time that the application has to notice that its request was refused."""

_LONGEST_WEBSOCKET_LINE = 8190
"""The WebSocket library parses the head again, and accepts lines of 8192 bytes including their end."""


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection under the limits of its `register`."""

    def __init__(self, *args: Any, register: Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._register = register
        self._itself: weakref.ReferenceType[AnsweredConnection] = weakref.ref(self)
        self._limits = register.limits
        self._phase = _HEAD
        self._silent = True
        self._since = self._moved = register.now
        self._head_left = self._limits.head_bytes
        self._began_within = False
        self._body_bytes = 0
        self._framing_bytes = 0
        self._chunks = 0
        self._discarded = 0
        self._stalled_since: float | None = None
        self._closing_since: float | None = None
        self._refusal: tuple[str, ApiError] | None = None

    # --- the connection ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._since = self._register.now
        if not self._register.enter(self):
            self._refuse("too_many_connections", protocol_errors.too_many_connections())

    def connection_lost(self, exc: Exception | None) -> None:
        self._register.leave(self)
        cycle = self.cycle
        super().connection_lost(exc)
        if cycle is not None and cycle.disconnected:
            cycle.scope.setdefault("state", {})[DEPARTURE].happen()

    def cut(self, departure: Departure) -> None:
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.scope.get("state", {}).get(DEPARTURE) is not departure:
            return
        cycle.disconnected = True  # uvicorn would report an application that does not complete its answer
        self.transport.close()

    def pause_writing(self) -> None:
        self._stalled_since = self._register.now
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_since = None
        super().resume_writing()

    def handle_websocket_upgrade(self) -> None:
        lines = [len(self.url) + len(" HTTP/1.1") + 8, *(len(name) + len(value) + 2 for name, value in self.headers)]
        if max(lines) > _LONGEST_WEBSOCKET_LINE:
            return self._refuse("head_too_large", protocol_errors.head_too_large(self._limits))
        self._register.leave(self)
        return super().handle_websocket_upgrade()

    # --- what comes in ---

    def data_received(self, data: bytes) -> None:
        if self._phase == _REFUSED:
            return self._discard(len(data))
        self._unset_keepalive_if_required()
        if self._silent:
            self._silent, self._since = False, self._register.now
        if self._phase == _IDLE:
            self._begin_head()
        if len(data) <= self._head_left:
            return self._feed(data)
        view = memoryview(data)
        while view and self._phase != _REFUSED and not self.transport.is_closing():
            size = self._head_left if self._phase == _HEAD else _PIECE_BYTES
            self._feed(view[:size])
            view = view[size:]
        return None

    def _feed(self, data: bytes | memoryview) -> None:
        """Parses one piece, which is no longer than what may still come of a head."""
        in_head, body_before, self._began_within = self._phase == _HEAD, self._body_bytes, False
        if self.parser is None:  # the connection is lost
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            return
        except httptools.HttpParserError:
            self._refuse(*(self._refusal or ("malformed", protocol_errors.malformed_request())))
            return
        if self._phase == _HEAD:
            # A head that began in the middle of this piece, behind another request, is counted from the next piece on.
            if in_head and not self._began_within:
                self._head_left -= len(data)
            if self._head_left <= 0 or len(self.headers or ()) > self._limits.head_fields:
                self._refuse("head_too_large", protocol_errors.head_too_large(self._limits))
        elif self._phase == _BODY and not in_head:
            self._framing_bytes = self._framing_bytes + len(data) if self._body_bytes == body_before else 0
            if self._framing_bytes > self._limits.head_bytes:  # an endless chunk extension, or endless trailers
                self._refuse("body_without_content", protocol_errors.head_too_large(self._limits))

    def _begin_head(self) -> None:
        self._phase = _HEAD
        self._since = self._register.now
        self._head_left = self._limits.head_bytes

    # --- the parser's callbacks ---

    def on_message_begin(self) -> None:
        if self._phase != _HEAD:
            self._began_within = True
            self._begin_head()
        super().on_message_begin()
        self.scope.setdefault("state", {})[DEPARTURE] = Departure(self._itself)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase == _HEAD:  # else it is a trailer, which must not be merged into the head (RFC 9110 §6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        limits = self._limits
        if len(self.headers) > limits.head_fields:
            self._give_up("head_too_large", protocol_errors.head_too_large(limits))
        parser = cast(httptools.HttpRequestParser, self.parser)
        if parser.get_http_version() == "1.0" and any(name == b"transfer-encoding" for name, _ in self.headers):
            # A proxy of HTTP/1.0 sees another body (RFC 9112 §6.1).
            self._give_up("malformed", protocol_errors.malformed_request())
        if len(self.pipeline) >= limits.pipelined_requests:
            self._give_up("pipelined", protocol_errors.malformed_request())
        self._phase = _BODY
        self._since = self._moved = self._register.now
        self._body_bytes = self._framing_bytes = self._chunks = 0
        self._head_left = _PIECE_BYTES
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        # Each chunk costs the loop as much as hundreds of bytes: one connection with chunks of one byte would hold it.
        self._chunks += 1
        if self._chunks > self._limits.small_chunks + self._body_bytes // self._limits.chunk_bytes:
            self._give_up("chunks_too_small", protocol_errors.chunks_too_small())

    def on_body(self, body: bytes) -> None:
        self._moved = self._register.now
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._phase = _IDLE
        super().on_message_complete()
        if self.flow.read_paused and not self.pipeline:
            self.flow.resume_reading()  # else the end of the connection would not be read, and so not be known

    def _give_up(self, kind: str, error: ApiError) -> None:
        """Stops the parser by an exception; `_feed` then refuses the request with `error`."""
        self._refusal = kind, error
        raise ValueError(kind)

    # --- refusing ---

    def _refuse(self, kind: str, error: ApiError) -> None:
        """Answers with `error` unless an answer has begun, reads no more, and ends the connection."""
        self._count(kind)
        phase, self._phase = self._phase, _REFUSED
        self._since = self._register.now
        cycle = self.cycle
        if phase == _BODY and cycle is not None:
            if cycle.response_complete:
                return self._abort()
            cycle.keep_alive = False
            cycle.scope.setdefault("state", {})[REFUSAL] = error
            cycle.message_event.set()
        elif cycle is None or cycle.response_complete:
            self._hang_up(error)
        else:  # earlier requests are still being answered: their answers go first
            cycle.keep_alive = False
        return None

    def _hang_up(self, error: ApiError) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(raw_answer(error, self._register.language, self.server_state.default_headers))
        # Closing at once would reset the connection while the client still sends, and it could not read the error.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > self._limits.linger_bytes and not self._answering():
            self._abort()

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # --- the register's questions ---

    def spare_rank(self) -> tuple[int, float] | None:
        """Returns the rank, and since when the connection has it: 0 for an unfinished head, 1 for an idle connection, 2
        for a request whose answer has not begun while its body is arriving, 3 for an answer that is not being read."""
        # A client that does not read its answer is closed last, but before all new ones are refused.
        if self._stalled_since is not None:
            return 3, self._stalled_since
        if not self._answering():
            return int(self._phase != _HEAD), self._since
        if self._phase == _BODY and not self.cycle.response_started:
            return 2, self._since
        return None

    def drop(self, reason: str) -> None:
        self._count(reason)
        self._abort()

    def expire(self, now: float) -> None:
        """Closes the connection, or refuses its request, if a head, a body, an answer or a refusal has taken too
        long."""
        limits = self._limits
        if self._stalled_since is not None and now - self._stalled_since > limits.send_seconds:
            return self.drop("reader_too_slow")
        if self.transport.is_closing():
            self._closing_since = self._closing_since or now
            if now - self._closing_since > limits.send_seconds:
                self.drop("reader_too_slow")
        elif self._phase == _HEAD and now - self._since > limits.head_seconds:
            self._expire_head()
        elif self._phase == _BODY:
            self._expire_body(now)
        elif self._phase == _REFUSED:
            self._expire_refused(now)
        return None

    def _expire_head(self) -> None:
        if self._silent:
            self.drop("connection_without_request")
        else:
            self._refuse("head_timeout", protocol_errors.request_timeout())

    def _expire_body(self, now: float) -> None:
        if self.flow.read_paused or self.cycle is None or self.cycle.waiting_for_100_continue:
            self._since = self._moved = now  # the application is slow, not the client
            self._body_bytes = self._chunks = 0
            return
        limits = self._limits
        allowed = limits.body_idle_seconds + self._body_bytes / limits.body_bytes_per_second
        if now - self._moved > limits.body_idle_seconds or now - self._since > allowed:
            self._refuse("body_timeout", protocol_errors.request_timeout())

    def _expire_refused(self, now: float) -> None:
        waited = now - self._since
        if self._answering():
            if waited > _UNHEEDED_SECONDS and not self.cycle.response_started:
                self._abort()
        elif waited > self._limits.linger_seconds:
            self._abort()

    def _abort(self) -> None:
        self._unset_keepalive_if_required()
        self.transport.abort()

    def _count(self, kind: str) -> None:
        self._register.refusals.count(kind, self.client[0] if self.client else None)
