"""Calls to providers: pooled connections, limits in time and size, and network failures as UpstreamError."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from service_kit.ids import current_traceparent
from service_kit.telemetry.logs import get_logger

from llm_gateway.errors import (
    ProviderSaturated,
    ProxyCredentials,
    UpstreamConnectTimeout,
    UpstreamIdleTimeout,
    UpstreamProtocol,
    UpstreamUnavailable,
)
from llm_gateway.net.errors import Broken, ConnectFailed, ConnectTimeout, PoolTimeout, ProxyRefused
from llm_gateway.net.http1 import Connection
from llm_gateway.net.pool import Pool
from llm_gateway.net.proxy import Proxies, Route
from llm_gateway.net.replies import Reply, StreamedReply, decoded, inflater_of, is_failure
from llm_gateway.net.target import Target, post_head, target_of
from llm_gateway.net.timeouts import Timeouts
from llm_gateway.net.waiting import head_of, news, total_is_over

_log = get_logger(__name__)

_KEEPALIVE_SECONDS = 15.0
_LEAST_ROUND_TRIP, _MOST_ROUND_TRIP = 0.05, 0.3
"""Seconds; see `_crossed`."""
_OWN_HEADERS = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "llm-gateway"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
            inflater = inflater_of(connection)
            pieces: list[bytes] = []
            size = 0
            while True:
                complete = connection.complete
                chunk = connection.take()
                for piece in (chunk,) if inflater is None and chunk else decoded(inflater, chunk, complete):
                    pieces.append(piece)
                    size += len(piece)
                    if size > self._max_bytes:
                        raise UpstreamProtocol(f"an answer of more than {self._max_bytes} bytes")
                if complete:
                    whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                    return Reply(connection.status, connection.headers, whole.removeprefix(_BYTE_ORDER_MARK), sends)
                await news(connection, ends_at, now() + timeouts.idle, UpstreamIdleTimeout)
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
                await head_of(connection, ends_at, first_byte_at)
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


def _end(connection: Connection, pool: Pool) -> None:
    """Closes the connection and frees its place when the time for the whole answer is over, also if the
    answer is not being read."""
    if not connection.complete:
        connection.abort(total_is_over())
        pool.release(connection)
