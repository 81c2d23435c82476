"""What providers are called through: pooled connections, limits in time and size, and errors as our own types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec
from service_kit.ids import current_traceparent

from llm_gateway.catalog import Timeouts
from llm_gateway.errors import UpstreamError, UpstreamProtocol, UpstreamTimeout, UpstreamUnavailable
from llm_gateway.http1 import Broken, ConnectFailed, Connection, Malformed, Origin, Pool, post_head, target_of

_MAX_ERROR_BYTES = 64 * 1024
_KEEPALIVE_SECONDS = 15.0
_OWN_HEADERS = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "llm-gateway"}


class Reply(msgspec.Struct, frozen=True):
    """A whole HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class StreamedReply:
    """An HTTP answer whose body is still to come. `ends_at` is in seconds of the loop's clock."""

    def __init__(self, connection: Connection, *, ends_at: float, silence: float, max_bytes: int) -> None:
        self._connection = connection
        self._ends_at = ends_at
        self._silence = silence
        self._max_bytes = max_bytes
        self._may_end = False
        self._now = asyncio.get_running_loop().time
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers

    @property
    def content_type(self) -> str:
        """The media type, in lower case and without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def read(self) -> bytes:
        """The whole body, up to the limit of an error's."""
        body = b""
        async for chunk in self.chunks():
            body += chunk
            if len(body) > _MAX_ERROR_BYTES:
                break
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives.

        Raises:
            UpstreamTimeout: silence for longer than is allowed, or the end of the time for the whole answer.
            UpstreamProtocol: the connection broke, or the body is endless.
        """
        size = 0
        while True:
            try:
                chunk = await self._next()
            except UpstreamError:
                if self._may_end:
                    return
                raise
            if chunk is None:
                return
            size += len(chunk)
            if size > self._max_bytes:
                raise UpstreamProtocol(f"a stream of more than {self._max_bytes} bytes")
            yield chunk

    async def _next(self) -> bytes | None:
        connection = self._connection
        while True:
            chunk = connection.take()
            if chunk is not None:
                return chunk
            if connection.complete:
                return None
            if connection.error is not None:
                raise _translated(connection.error)
            try:
                await connection.news(min(self._ends_at, self._now() + self._silence))
            except TimeoutError as error:
                raise UpstreamTimeout("no more of the answer in time") from error

    def allow_silence(self, seconds: float) -> None:
        """How long the provider may pause from now on."""
        self._silence = seconds

    def may_end(self, at: float) -> None:
        """Nothing more is needed: the body ends, as it should, at `at` by the loop's clock or when its connection
        breaks, whatever is still sent."""
        self._may_end = True
        self._ends_at = min(self._ends_at, at)


class Transport:
    """Sends to providers. `max_bytes` bounds an answer; redirects and cookies are not followed, since both could
    carry our credentials elsewhere."""

    def __init__(self, *, max_connections: int, max_bytes: int) -> None:
        self._max_connections = max_connections
        self._max_bytes = max_bytes
        self._pool: Pool | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open for the length of the block; must be entered in the loop that uses it."""
        self._pool = Pool(self._max_connections, _KEEPALIVE_SECONDS)
        try:
            yield
        finally:
            self._pool.close()
            self._pool = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts) -> Reply:
        """The whole answer.

        Raises:
            UpstreamUnavailable: no connection, or it broke before an answer.
            UpstreamTimeout: no whole answer in time.
            UpstreamProtocol: the answer broke off, or is too large.
        """
        pool = self._open()
        ends_at = asyncio.get_running_loop().time() + timeouts.total
        connection, origin = await self._begin(pool, url, headers, body, timeouts, until=lambda: ends_at)
        try:
            chunks: list[bytes] = []
            size = 0
            while True:
                while (chunk := connection.take()) is not None:
                    chunks.append(chunk)
                    size += len(chunk)
                if size > self._max_bytes:
                    raise UpstreamProtocol(f"an answer of more than {self._max_bytes} bytes")
                if connection.complete:
                    whole = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                    return Reply(connection.status, connection.headers, whole)
                await _news(connection, ends_at)
        finally:
            pool.release(connection, origin)

    @asynccontextmanager
    async def stream(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> AsyncIterator[StreamedReply]:
        """The answer from its head on; leaving the block before its end hangs up, which ends the call upstream.

        Raises as `post` does.
        """
        pool = self._open()
        now = asyncio.get_running_loop().time
        ends_at = now() + timeouts.total
        silence = max(timeouts.idle, timeouts.first_token)
        connection, origin = await self._begin(
            pool, url, headers, body, timeouts, until=lambda: min(ends_at, now() + silence)
        )
        try:
            yield StreamedReply(connection, ends_at=ends_at, silence=silence, max_bytes=self._max_bytes)
        finally:
            pool.release(connection, origin)

    def _open(self) -> Pool:
        if self._pool is None:
            raise RuntimeError("the transport is used outside of running()")
        return self._pool

    async def _begin(
        self, pool: Pool, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts,
        until: Callable[[], float],
    ) -> tuple[Connection, Origin]:  # fmt: skip
        """Send, and wait for the head of the answer.

        A kept connection that the provider closes before it says a word had been given up by it already: the
        request goes out again on another one.
        """
        while True:
            connection, origin = await self._send(pool, url, headers, body, timeouts)
            try:
                while not connection.status:
                    await _news(connection, until())
            except BaseException:
                pool.release(connection, origin)
                if connection.used_before and isinstance(connection.error, Broken):
                    continue
                raise
            return connection, origin

    async def _send(
        self, pool: Pool, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> tuple[Connection, Origin]:
        try:
            target = target_of(url)
            trace = current_traceparent.get()
            traced = {"traceparent": trace} if trace else {}
            head = post_head(target, {**_OWN_HEADERS, **headers, **traced}, len(body))
        except ValueError as error:
            raise UpstreamUnavailable(str(error)) from error
        try:
            connection = await pool.acquire(target.origin, timeouts.connect)
        except ConnectFailed as error:
            raise UpstreamUnavailable(str(error)) from error
        except TimeoutError as error:
            raise UpstreamTimeout("no connection in time") from error
        connection.send(head + body)
        return connection, target.origin


async def _news(connection: Connection, until: float) -> None:
    """Wait for anything to happen on a connection whose answer is not complete; its failures become ours."""
    if connection.error is None:
        try:
            await connection.news(until)
        except TimeoutError as error:
            raise UpstreamTimeout("no answer in time") from error
    if connection.error is not None:
        raise _translated(connection.error)


def _translated(error: Exception) -> UpstreamError:
    match error:
        case Broken(begun=True):
            return UpstreamProtocol(repr(error), code="upstream_stream_cut")
        case Malformed():
            return UpstreamProtocol(repr(error))
        case _:
            return UpstreamUnavailable(repr(error))
