"""The one HTTP client: pooled connections, limits in time and size, and errors as our own types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from llm_gateway.catalog import Timeouts
from llm_gateway.errors import UpstreamError, UpstreamProtocol, UpstreamTimeout, UpstreamUnavailable

_MAX_ERROR_BYTES = 64 * 1024
_KEEPALIVE_SECONDS = 30


class Reply(msgspec.Struct, frozen=True):
    """A whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class StreamedReply:
    """An HTTP answer whose body is still to come."""

    def __init__(self, response: aiohttp.ClientResponse, max_bytes: int) -> None:
        self._response = response
        self._max_bytes = max_bytes
        self._may_end = False
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    @property
    def is_event_stream(self) -> bool:
        return self._response.content_type == "text/event-stream"

    async def read(self) -> bytes:
        """The whole body, up to the limit of an error's."""
        return await _read(self._response, _MAX_ERROR_BYTES, cut=True)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives.

        Raises:
            UpstreamTimeout: silence for longer than the idle timeout.
            UpstreamProtocol: the connection broke, or the body is endless.
        """
        size = 0
        try:
            with _translated():
                async for chunk in self._response.content.iter_any():
                    size += len(chunk)
                    if size > self._max_bytes:
                        raise UpstreamProtocol(f"a stream of more than {self._max_bytes} bytes")
                    yield chunk
        except UpstreamError:
            if not self._may_end:
                raise

    def allow_silence(self, seconds: float) -> None:
        """How long the provider may pause from now on."""
        connection = self._response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = seconds
            connection.protocol.start_timeout()

    def may_end(self, seconds: float) -> None:
        """Nothing more is needed: silence for `seconds`, or a connection that breaks, ends the body as it should."""
        if not self._may_end:
            self._may_end = True
            self.allow_silence(seconds)


class Transport:
    """Sends to providers. `max_bytes` bounds an answer; redirects and cookies are refused, since both could carry
    our credentials elsewhere."""

    def __init__(self, *, max_connections: int, max_bytes: int) -> None:
        self._max_connections = max_connections
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open for the length of the block; must be entered in the loop that uses it."""
        connector = aiohttp.TCPConnector(limit=self._max_connections, keepalive_timeout=_KEEPALIVE_SECONDS)
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"content-type": "application/json", "user-agent": "llm-gateway"},
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=2**16,
        ) as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts) -> Reply:
        """The whole answer.

        Raises:
            UpstreamUnavailable: no connection, or it broke before an answer.
            UpstreamTimeout: no whole answer in time.
            UpstreamProtocol: the answer broke off, or is too large.
        """
        timeout = aiohttp.ClientTimeout(total=timeouts.total, sock_connect=timeouts.connect)
        with _translated():
            async with self._open().post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return Reply(response.status, response.headers, await _read(response, self._max_bytes))

    @asynccontextmanager
    async def stream(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> AsyncIterator[StreamedReply]:
        """The answer from its head on; leaving the block closes the connection, which ends the call upstream.

        Raises as `post` does.
        """
        timeout = aiohttp.ClientTimeout(
            total=timeouts.total, sock_connect=timeouts.connect, sock_read=max(timeouts.idle, timeouts.first_token)
        )
        with _translated():
            response = await self._open().post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False)
        try:
            yield StreamedReply(response, self._max_bytes)
        finally:
            # A body that was read to its end has already given its connection back to the pool.
            response.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the transport is used outside of running()")
        return self._session


async def _read(response: aiohttp.ClientResponse, limit: int, *, cut: bool = False) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            if cut:
                break
            raise UpstreamProtocol(f"an answer of more than {limit} bytes")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class _translated:  # noqa: N801 - reads as the statement that it is
    """Turns the client library's errors into ours (a class: a generator costs more on the hot path)."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        match error:
            case asyncio.TimeoutError():
                raise UpstreamTimeout(repr(error)) from error
            case aiohttp.ClientPayloadError():
                raise UpstreamProtocol(repr(error), code="upstream_stream_cut") from error
            case aiohttp.ClientConnectionError() | OSError():
                raise UpstreamUnavailable(repr(error)) from error
            case aiohttp.ClientError():
                raise UpstreamProtocol(repr(error)) from error
