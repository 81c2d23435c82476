"""Calls to providers: pooled connections, limits in time and size, and network failures as UpstreamError."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import msgspec
from service_kit.ids import current_traceparent
from service_kit.telemetry.logs import get_logger

from llm_gateway.errors import (
    ProviderSaturated,
    ProxyCredentials,
    UpstreamConnectTimeout,
    UpstreamError,
    UpstreamFirstByteTimeout,
    UpstreamIdleTimeout,
    UpstreamProtocol,
    UpstreamSilent,
    UpstreamTimeout,
    UpstreamTotalTimeout,
    UpstreamUnavailable,
)
from llm_gateway.net.codings import Inflater, Undecodable, applied
from llm_gateway.net.errors import Broken, ConnectFailed, ConnectTimeout, Malformed, PoolTimeout, ProxyRefused
from llm_gateway.net.http1 import Connection
from llm_gateway.net.pool import Pool
from llm_gateway.net.proxy import Proxies, Route
from llm_gateway.net.target import Target, post_head, target_of
from llm_gateway.net.timeouts import Timeouts

_log = get_logger(__name__)

_MAX_ERROR_BYTES = 64 * 1024
_ERROR_BODY_SECONDS = 2.0
"""How long an error's body is waited for: its status has come already."""
_KEEPALIVE_SECONDS = 15.0
_LONG_SILENCE_SECONDS = 1.0
"""A connection that broke after so long without a byte was silent, and not merely refused or restarted."""
_LEAST_ROUND_TRIP, _MOST_ROUND_TRIP = 0.05, 0.3
"""Seconds; see `_crossed`."""
_OWN_HEADERS = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "llm-gateway"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STREAM_LIKE = frozenset({"", "text/plain", "application/octet-stream"})


class Reply(msgspec.Struct, frozen=True):
    """A whole HTTP answer; header names are in lower case. `sends`: how often the request went out for it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sends: int = 1


class StreamedReply:
    """An HTTP answer whose body is still to come."""

    def __init__(
        self, connection: Connection, *, ends_at: float, silence: float, max_bytes: int, sends: int = 1
    ) -> None:
        self._connection = connection
        self._ends_at = ends_at
        self._silence = silence
        self._max_bytes = max_bytes
        self._may_end = False
        self._inflater = _inflater_of(connection)
        self._now = asyncio.get_running_loop().time
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers
        self.sends = sends

    @property
    def content_type(self) -> str:
        """The media type, in lower case and without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def may_be(self, media_type: str) -> bool:
        """Returns whether the body is to be read as `media_type`: it says so, or says nothing of use, as simple servers
        do."""
        return self.content_type == media_type or self.content_type in _STREAM_LIKE

    async def read(self) -> bytes:
        """Returns the whole body, whatever its type, cut at the limits of an error's. If the status is an error, that
        decides, and a body that breaks off or cannot be decoded is returned as far as it came."""
        pieces: list[bytes] = []
        size = 0
        failed = is_failure(self.status)
        if failed:
            self._ends_at = min(self._ends_at, self._now() + min(_ERROR_BODY_SECONDS, self._silence / 2))
        try:
            async for piece in self._pieces():
                pieces.append(piece)
                size += len(piece)
                if size > _MAX_ERROR_BYTES:
                    break
        except UpstreamError:
            if not failed:
                raise
        return b"".join(pieces)[:_MAX_ERROR_BYTES].removeprefix(_BYTE_ORDER_MARK)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the body as it arrives, without any content coding.

        Raises:
            UpstreamTimeout: silence for longer than is allowed, or the end of the time for the whole answer.
            UpstreamProtocol: the connection broke, or the body is endless, or in no coding that is known.
        """
        size = 0
        async for piece in self._pieces():
            size += len(piece)
            if size > self._max_bytes:
                raise UpstreamProtocol(f"a stream of more than {self._max_bytes} bytes")
            yield piece

    async def _pieces(self) -> AsyncIterator[bytes]:
        while True:
            if self._may_end and self._now() >= self._ends_at:
                return  # what keeps coming (comments, say) would never let the wait for it run out
            try:
                chunk = await self._next()
            except UpstreamError:
                if self._may_end:
                    return
                raise
            if self._inflater is None:
                if chunk is None:
                    return
                yield chunk
                continue
            try:
                for piece in _decoded(self._inflater, chunk, chunk is None):
                    yield piece
            except UpstreamProtocol:
                if self._may_end:
                    return
                raise
            if chunk is None:
                return

    async def _next(self) -> bytes | None:
        connection = self._connection
        while True:
            chunk = connection.take()
            if chunk is not None:
                return chunk
            if connection.complete:
                return None
            await _news(connection, self._ends_at, self._now() + self._silence, UpstreamIdleTimeout)

    def allow_silence(self, seconds: float) -> None:
        """Sets how long the provider may pause from now on."""
        self._silence = seconds

    def may_end(self, seconds: float) -> None:
        """Nothing more is needed: the body ends, as it should, `seconds` after the first call of this, or when its
        connection breaks, whatever is still sent."""
        if not self._may_end:
            self._may_end = True
            self._ends_at = min(self._ends_at, self._now() + seconds)


class Transport:
    """Sends to providers. `max_bytes` bounds an answer, `share` the connections to one origin (half of
    `max_connections`, if it is not said); redirects and cookies are not followed, since both could carry
    credentials elsewhere."""

    def __init__(
        self,
        *,
        max_connections: int,
        max_bytes: int,
        share: int | None = None,
        proxies: Proxies | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._max_connections = max_connections
        self._max_bytes = max_bytes
        self._share = share
        self._proxies = proxies or Proxies()
        self._tls = tls
        self._pool: Pool | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the transport open for the length of the block, which must be entered in the loop that uses it."""
        self._pool = Pool(self._max_connections, _KEEPALIVE_SECONDS, self._tls, share=self._share)
        try:
            yield
        finally:
            self._pool.close()
            self._pool = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts) -> Reply:
        """Returns the whole answer; if its status is an error, as much of the body as is needed to tell which error.

        Raises:
            ProviderSaturated: no connection became free in time; nothing was sent.
            UpstreamUnavailable: no connection, or it broke before an answer.
            ProxyCredentials: the proxy on the way refused the gateway.
            UpstreamTimeout: no connection, no beginning or no end of the answer in time, or silence in its middle.
            UpstreamProtocol: the answer broke off, is too large, or in no coding that is known.
        """
        pool = self._open()
        now = asyncio.get_running_loop().time
        ends_at = now() + timeouts.total
        connection, sends = await self._begin(pool, url, headers, body, timeouts, ends_at)
        try:
            if is_failure(connection.status):
                reply = StreamedReply(
                    connection, ends_at=ends_at, silence=timeouts.idle, max_bytes=self._max_bytes, sends=sends
                )
                return Reply(connection.status, connection.headers, await reply.read(), sends)
            inflater = _inflater_of(connection)
            pieces: list[bytes] = []
            size = 0
            while True:
                complete = connection.complete
                chunk = connection.take()
                for piece in (chunk,) if inflater is None and chunk else _decoded(inflater, chunk, complete):
                    pieces.append(piece)
                    size += len(piece)
                    if size > self._max_bytes:
                        raise UpstreamProtocol(f"an answer of more than {self._max_bytes} bytes")
                if complete:
                    whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                    return Reply(connection.status, connection.headers, whole.removeprefix(_BYTE_ORDER_MARK), sends)
                await _news(connection, ends_at, now() + timeouts.idle, UpstreamIdleTimeout)
        finally:
            pool.release(connection)

    @asynccontextmanager
    async def stream(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> AsyncIterator[StreamedReply]:
        """Yields the answer once its head is there. Leaving the block early closes the connection, which ends the call
        upstream; so does the limit for the whole answer, also while the answer is not being read.

        Raises as `post` does.
        """
        pool = self._open()
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeouts.total
        connection, sends = await self._begin(pool, url, headers, body, timeouts, ends_at)
        total = loop.call_at(ends_at, _end, connection, pool)
        try:
            yield StreamedReply(
                connection,
                ends_at=ends_at,
                silence=max(timeouts.idle, timeouts.first_token),
                max_bytes=self._max_bytes,
                sends=sends,
            )
        finally:
            total.cancel()
            pool.release(connection)

    def _open(self) -> Pool:
        if self._pool is None:
            raise RuntimeError("the transport is used outside of running()")
        return self._pool

    async def _begin(
        self, pool: Pool, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts, ends_at: float
    ) -> tuple[Connection, int]:
        """Sends, and waits for the head of the answer. Returns the connection, and how often the request went out.

        A request goes out a second time, once and on a new connection, only where its first connection had been kept
        and was closed so soon after that the peer cannot have worked on it (`_crossed`). All else that breaks is told,
        and whether it is asked again is the router's to say, where it counts as an attempt.
        """
        now = asyncio.get_running_loop().time
        target, head = self._head(url, headers, body)
        route = self._proxies.route(target.origin)
        connection = await _connection(pool, route, timeouts.connect, fresh=False)
        sends = 1
        while True:
            connection.send(head, body)
            first_byte_at = now() + timeouts.first_token
            try:
                await _head_of(connection, ends_at, first_byte_at)
                if connection.status == 407 and route.proxy is not None:
                    raise ProxyCredentials(f"the proxy {route.proxy!r} refused: 407")
            except BaseException:
                pool.release(connection)
                if sends > 1 or not _crossed(connection):
                    raise
            else:
                return connection, sends
            _log.warning("sent again", host=target.authority, reason="the kept connection had been closed by its peer")
            connection = await _connection(pool, route, timeouts.connect, fresh=True)
            sends += 1

    def _head(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[Target, bytes]:
        try:
            target = target_of(url)
            trace = current_traceparent.get()
            fields = {**_OWN_HEADERS, **headers}
            if trace:
                fields["traceparent"] = trace
            proxy = None if target.origin.secure else self._proxies.route(target.origin).proxy
            if proxy is not None and proxy.authorization:
                fields["proxy-authorization"] = proxy.authorization
            return target, post_head(target, fields, len(body), absolute=proxy is not None)
        except ValueError as error:
            raise UpstreamUnavailable(str(error)) from error


async def _connection(pool: Pool, route: Route, seconds: float, *, fresh: bool) -> Connection:
    """Returns a connection. Its failures are raised as the gateway's errors."""
    try:
        return await pool.acquire(route, seconds, fresh=fresh)
    except PoolTimeout as error:
        raise ProviderSaturated(str(error)) from error
    except ConnectTimeout as error:
        raise UpstreamConnectTimeout(str(error)) from error
    except ProxyRefused as error:
        raise ProxyCredentials(str(error)) from error
    except ConnectFailed as error:
        raise UpstreamUnavailable(str(error)) from error


def _crossed(connection: Connection) -> bool:
    """Returns whether the peer closed a kept connection before it can have seen the request that was sent on it.

    What is judged: the connection served a request before, not a byte of an answer came, and it was closed within one
    round trip of the sending. A peer that closed first, while the request was on its way, is heard of no later than
    that. One that took the request and then failed is heard of later; it may have begun to generate, which a POST is
    billed for, so such a request is not sent again behind the router's back. The time that connecting took stands for
    a round trip, with bounds, since it includes TLS and both are measured by a loop that has other work too.
    """
    error = connection.error
    if not connection.used_before or not isinstance(error, Broken) or error.begun:
        return False
    round_trip = min(max(connection.connect_seconds, _LEAST_ROUND_TRIP), _MOST_ROUND_TRIP)
    return error.silence <= round_trip


async def _head_of(connection: Connection, ends_at: float, first_byte_at: float) -> None:
    """Waits for the head of an answer. What broke behind it, in the same piece, is for the reader of the body to
    find."""
    while not connection.status:
        try:
            await _news(connection, ends_at, first_byte_at, UpstreamFirstByteTimeout)
        except UpstreamError:
            if not connection.status:
                raise


async def _news(connection: Connection, ends_at: float, silent_at: float, silent: type[UpstreamSilent]) -> None:
    """Waits for anything to happen on a connection whose answer is not complete, and raises its failures as
    UpstreamError. Which limit would end the wait is decided before it, not by a clock after it."""
    if connection.error is None:
        try:
            await connection.news(min(ends_at, silent_at))
        except TimeoutError as error:
            if ends_at <= silent_at:
                raise _total_is_over() from error
            raise silent("nothing more in time") from error
    if connection.error is not None:
        raise _translated(connection.error)


def _end(connection: Connection, pool: Pool) -> None:
    """Closes the connection and frees its place when the time for the whole answer is over, also if the
    answer is not being read."""
    if not connection.complete:
        connection.abort(_total_is_over())
        pool.release(connection)


def _total_is_over() -> UpstreamTimeout:
    return UpstreamTotalTimeout("no end of the answer in time")


def _translated(error: Exception) -> UpstreamError:
    match error:
        case UpstreamError():
            return error
        case Broken() if error.silence >= _LONG_SILENCE_SECONDS:
            code = "upstream_stream_cut" if error.begun else None
            return UpstreamSilent(f"hung up after {error.silence:.1f} s of silence: {error}", code=code)
        case Broken(begun=True):
            return UpstreamProtocol(repr(error), code="upstream_stream_cut")
        case Malformed():
            return UpstreamProtocol(repr(error))
        case _:
            return UpstreamUnavailable(repr(error))


def is_failure(status: int) -> bool:
    """Returns whether a status is itself the outcome, whatever its body holds."""
    return not 200 <= status < 300


def _inflater_of(connection: Connection) -> Inflater | None:
    """Returns what undoes the content coding of an answer, or None where it has none. A coding that is not known costs
    an answer its body, and a failure only the words in it."""
    codings = applied(connection.headers.get("content-encoding", ""))
    if not codings:
        return None
    try:
        return Inflater(codings)
    except Undecodable as error:
        if is_failure(connection.status):
            return None
        raise UpstreamProtocol(str(error)) from error


def _decoded(inflater: Inflater | None, chunk: bytes | None, complete: bool) -> Iterator[bytes]:
    """Yields what `chunk` stands for; `complete` says that it is the last."""
    if inflater is None:
        return
    try:
        if chunk:
            yield from inflater.feed(chunk)
        if complete and (rest := inflater.finish()):
            yield rest
    except Undecodable as error:
        raise UpstreamProtocol(str(error)) from error
