"""HTTP/1.1 as a client, on asyncio's protocols and httptools' parser.

It does what calling a provider takes (POST, keep-alive, TLS, whole and streamed bodies, limits) and nothing else:
no redirects and no cookies. A general client costs 0.3 ms of processor time a call here, this 0.05, and the call is
most of what a gateway does.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httptools

from llm_gateway.net.errors import Broken, Malformed
from llm_gateway.net.heads import has_end, mended

_MAX_HEAD_BYTES = 64 * 1024
_PAUSE_BYTES = 256 * 1024
"""Unread bytes at which the peer is asked to wait."""
_JOINED_BYTES = 64 * 1024
"""Up to this size a head and its body are written as one piece, which is one system call."""


class Connection(asyncio.Protocol):
    """One connection with at most one exchange on it at a time.

    After `send`, `await news()` until there is a `status`, a chunk to `take`, the end (`complete`) or an `error`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.closed = False
        self.idle_since = 0.0
        self.used_before = False
        self.connect_seconds = 0.0
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.complete = False
        self.error: Exception | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._unread = 0
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._head_refused = False
        self._bare_bytes = 0
        self._paused = False
        self._keep_alive = False
        self.sent_at = self._heard_at = self._loop.time()

    # --- the exchange ---

    def send(self, head: bytes, body: bytes = b"") -> None:
        """Begins an exchange."""
        self._reset()
        if self._transport is None:  # closed since it was made
            self._parser = None
            return self._fail(Broken("closed by the peer", begun=False))
        if len(body) <= _JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return None

    async def news(self, until: float) -> None:
        """Waits for anything to happen. Raises TimeoutError at `until`, in seconds of the loop's clock."""
        waiter = self._waiter = self._loop.create_future()
        self._until = until
        if self._timer is None or until < self._timer_at:
            self._set_timer(until)
        try:
            await waiter
        finally:
            self._waiter = None

    def take(self) -> bytes | None:
        """Returns all of the body that is unread, if there is any: what came in many pieces goes on in one."""
        if not self._chunks:
            return None
        chunk = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._unread = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return chunk

    @property
    def reusable(self) -> bool:
        return self.complete and self._keep_alive and not self.closed and self.error is None

    def abort(self, error: Exception | None = None) -> None:
        """Closes the connection at once; an exchange that is under way ends with `error`, if one is given."""
        self.closed = True
        if error is not None:
            self._fail(error)
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        if self.error is None and not self.complete:
            self.error = error
        self._wake()

    # --- time ---
    # One timer serves many waits: it is not cancelled when a wait ends, and a wait that ends later than it fires sets
    # it anew then. Most waits are short and most limits long, so that most requests set none.

    def _set_timer(self, at: float) -> None:
        self._stop_timer()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._time_is_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        # The clock is not asked: uvloop's timers fire up to a millisecond early by it.
        if self._until > self._timer_at:
            self._set_timer(self._until)
        else:
            self._waiter.set_exception(TimeoutError())

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.complete:  # more than was asked for: nothing that comes on this connection can be trusted now
            return self.abort()
        self._heard_at = self._loop.time()
        if not self.status:
            self._head.append(data)
            self._head_bytes += len(data)
        unread = self._unread
        try:
            if self._head_refused:
                self._mend_head()
            else:
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return self.abort(Malformed("an upgrade that was not asked for"))
        except httptools.HttpParserError as error:
            if self.status or not self._may_mend(error):
                return self.abort(Malformed(f"{type(error).__name__}: {error}"))
        if not self.status and self._head_bytes > _MAX_HEAD_BYTES:
            return self.abort(Malformed(f"a head of more than {_MAX_HEAD_BYTES} bytes"))
        self._bare_bytes = 0 if self._unread > unread or not self.status else self._bare_bytes + len(data)
        if self._bare_bytes > _MAX_HEAD_BYTES and not self.complete:  # trailers, or what stands beside a chunk's size
            return self.abort(Malformed(f"more than {_MAX_HEAD_BYTES} bytes in a row that are no body"))
        if self._unread > _PAUSE_BYTES and not self._paused and not self.complete and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._stop_timer()
        self._transport = None
        self._parser = (
            None  # which leads back here: without this, what is unread stays until the garbage collector comes
        )
        if self.status and exc is None and self._ends_with_connection() and self.error is None:
            self.complete = True
            return self._wake()
        reason = repr(exc) if exc else "closed by the peer"
        self._fail(Broken(reason, begun=bool(self.status), silence=self._loop.time() - self._heard_at))
        return None

    def _ends_with_connection(self) -> bool:
        return "content-length" not in self.headers and "transfer-encoding" not in self.headers

    # --- heads that the parser does not take as they are ---

    def _may_mend(self, error: httptools.HttpParserError) -> bool:
        """Returns whether the head that was refused can be read all the same, now or when all of it is there."""
        if self._head_refused or not b"".join(self._head).startswith(b"HTTP/1."):
            return False
        self._head_refused = True
        try:
            return self._mend_head()
        except httptools.HttpParserError:
            return False

    def _mend_head(self) -> bool:
        """Returns False if nothing about the head can be mended. Raises the parser's errors."""
        head = b"".join(self._head)
        if not has_end(head):
            return True
        again = mended(head)
        if again is None:
            raise httptools.HttpParserError("a head that cannot be read")
        self._head_refused = False
        self.headers = {}
        self._parser = httptools.HttpResponseParser(self)
        self._parser.feed_data(again)
        return True

    # --- httptools ---

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status:  # a trailer, which nothing here reads
            return
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.status:
            raise Malformed("a second answer behind the first")
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer: the real one follows
            self.headers = {}
            return
        self.status = status
        self._head.clear()
        self._keep_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._unread += len(body)

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True
