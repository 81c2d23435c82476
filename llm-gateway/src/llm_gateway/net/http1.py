"""HTTP/1.1 as a client, on asyncio's protocols and httptools' parser.

It does what calling a provider takes (POST, keep-alive, TLS, whole and streamed bodies, limits) and nothing else:
no redirects, cookies, proxies or content codings. A general client costs 0.3 ms of processor time a call here,
this 0.05, and the call is most of what a gateway does.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

_MAX_HEAD_BYTES = 64 * 1024
_PAUSE_BYTES = 256 * 1024
"""Unread bytes at which the peer is asked to wait."""


class ConnectFailed(Exception):
    """No connection could be made."""


class Broken(Exception):
    """The connection ended before the answer did; `begun` says whether any of the answer had come."""

    def __init__(self, reason: str, *, begun: bool) -> None:
        super().__init__(reason)
        self.begun = begun


class Malformed(Exception):
    """What came is not HTTP."""


class Origin(NamedTuple):
    """Where connections go; those to the same origin can be used for one another."""

    host: str
    port: int
    secure: bool


class Target(NamedTuple):
    """An address, taken apart."""

    origin: Origin
    authority: str
    path: str


def target_of(url: str) -> Target:
    """Raises ValueError for what is no absolute http or https address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http address: {url}")
    secure = parts.scheme == "https"
    origin = Origin(parts.hostname, parts.port or (443 if secure else 80), secure)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Target(origin, parts.netloc.rpartition("@")[2], path)


def post_head(target: Target, headers: Mapping[str, str], length: int) -> bytes:
    """The head of a POST with a body of `length` bytes; raises ValueError for a header that would break out of it."""
    lines = [f"POST {target.path} HTTP/1.1", f"host: {target.authority}", f"content-length: {length}"]
    for name, value in headers.items():
        if "\n" in value or "\r" in value:
            raise ValueError(f"the header {name} has a line break in it")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Connection(asyncio.Protocol):
    """One connection with at most one exchange on it at a time.

    After `send`, `await news()` until there is a `status`, a chunk to `take`, the end (`complete`) or an `error`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.closed = False
        self.idle_since = 0.0
        self.used_before = False
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.complete = False
        self.error: Exception | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._unread = 0
        self._head_bytes = 0
        self._paused = False
        self._keep_alive = False

    # --- the exchange ---

    def send(self, data: bytes) -> None:
        """Begin an exchange."""
        self._reset()
        assert self._transport is not None
        self._transport.write(data)

    async def news(self, until: float) -> None:
        """Wait for anything to happen; raises TimeoutError at `until`, in seconds of the loop's clock."""
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_at(until, _time_out, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def take(self) -> bytes | None:
        """All of the body that is unread, if there is any: what came in many pieces goes on in one."""
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

    def abort(self) -> None:
        """Hang up at once."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        if self.error is None and not self.complete:
            self.error = error
        self._wake()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.complete:  # more than was asked for: nothing that comes on this connection can be trusted now
            return self.abort()
        if not self.status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Malformed(f"{type(error).__name__}: {error}"))
            return self.abort()
        if not self.status and self._head_bytes > _MAX_HEAD_BYTES:
            self._fail(Malformed(f"a head of more than {_MAX_HEAD_BYTES} bytes"))
            return self.abort()
        if self._unread > _PAUSE_BYTES and not self._paused and not self.complete and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self.status and exc is None and self._ends_with_connection() and self.error is None:
            self.complete = True
            return self._wake()
        self._fail(Broken(repr(exc) if exc else "closed by the peer", begun=bool(self.status)))
        return None

    def _ends_with_connection(self) -> bool:
        return "content-length" not in self.headers and "chunked" not in self.headers.get("transfer-encoding", "")

    # --- httptools ---

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer: the real one follows
            self.headers = {}
            return
        self.status = status
        self._keep_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._unread += len(body)

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True


def _time_out(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


class Pool:
    """Connections, at most `limit` at a time; one that is free is used again for `keepalive` seconds. Certificates
    are checked against the system's authorities, or as `tls` says."""

    def __init__(self, limit: int, keepalive: float, tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._places = asyncio.Semaphore(limit)
        self._keepalive = keepalive
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._used: set[Connection] = set()
        self._tls = tls

    async def acquire(self, origin: Origin, connect_seconds: float) -> Connection:
        """A connection that nobody else uses, until it is given to `release`.

        Raises:
            ConnectFailed: the peer cannot be reached.
            TimeoutError: not in time.
        """
        if self._places.locked():  # a time limit costs something, so only those who wait pay for it
            async with asyncio.timeout(connect_seconds):
                await self._places.acquire()
        else:
            await self._places.acquire()
        try:
            connection = self._find_idle(origin) or await self._connect(origin, connect_seconds)
        except BaseException:
            self._places.release()
            raise
        self._used.add(connection)
        return connection

    def _find_idle(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        oldest = self._loop.time() - self._keepalive
        while idle:
            connection = idle.pop()
            if not connection.closed:
                if connection.idle_since > oldest:
                    return connection
                connection.abort()
        return None

    async def _connect(self, origin: Origin, seconds: float) -> Connection:
        tls = {"ssl": self._context(), "server_hostname": origin.host} if origin.secure else {}
        try:
            async with asyncio.timeout(seconds):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._loop), origin.host, origin.port, **tls
                )
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectFailed(repr(error)) from error
        return connection

    def _context(self) -> ssl.SSLContext:
        """Made when it is first needed: to read the system's authorities takes 30 ms and some megabytes."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def release(self, connection: Connection, origin: Origin) -> None:
        """Take a connection back: kept when its answer was read to the end, else hung up."""
        self._used.discard(connection)
        self._places.release()
        if not connection.reusable:
            return connection.abort()
        connection.idle_since, connection.used_before = self._loop.time(), True
        idle = self._idle[origin]
        idle.append(connection)
        while idle and (idle[0].closed or idle[0].idle_since < connection.idle_since - self._keepalive):
            idle.pop(0).abort()
        return None

    def close(self) -> None:
        for connection in [*self._used, *(one for idle in self._idle.values() for one in idle)]:
            connection.abort()
        self._idle.clear()
