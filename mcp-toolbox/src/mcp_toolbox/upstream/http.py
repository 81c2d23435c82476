"""MCP over HTTP to another server: Streamable HTTP, and the older HTTP+SSE.

The SDK follows a redirect only within the endpoint's own origin. It runs all requests of a client in one task group, so
that one exception would end all of them; here a failure is an answer to its own request instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.sse import sse_client
from mcp.client.streamable_http import MCP_SESSION_ID, streamable_http_client
from mcp.types import CONNECTION_CLOSED
from pydantic_core import to_json

from mcp_toolbox.upstream.answers import unicode_json
from mcp_toolbox.upstream.attempt import current_attempt
from mcp_toolbox.upstream.errors import UpstreamUnavailable
from mcp_toolbox.upstream.events import BoundedEvents
from mcp_toolbox.upstream.refusals import refusal, too_large
from mcp_toolbox.upstream.refused_post import error_in, loses_session, speaks_no_streamable_http
from mcp_toolbox.upstream.spec import Address, Kind, Limits

CONNECTION_LOST = "connection lost"
"""The error message in place of an answer that never came."""

_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 330.0
_NO_STREAM = 405
"""The status with which a server says that it has no stream of its own (MCP 2025-11-25, Transports)."""

_ENVELOPE_BYTES = 64 * 1024
_MAX_SSE_EVENT = 1024 * 1024 - 1024
_MAX_DRAINED = 64 * 1024 * 1024
"""In bytes: how much of an oversized answer is read in order to report its size."""


class HttpTransport:
    """A transport to a server that runs elsewhere. `trouble` describes the last failed request. `may_be_sse` is set
    when the handshake was refused as by a server of the older HTTP+SSE, and `doubt` is called when the server's own
    stream ends or is refused, which may mean that the server is gone."""

    def __init__(self, address: Address, limits: Limits) -> None:
        self._address = address
        self._limits = limits
        self.trouble: str | None = None
        self.lost = asyncio.Event()
        self.may_be_sse = False
        self.doubt: Callable[[], None] = _nothing

    def abandon(self) -> None:
        """Does nothing: the connections end with the client."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TransportStreams]:
        """Opens the streams of messages until the block ends.

        Raises:
            UpstreamUnavailable: a configured header has characters that HTTP does not allow.
        """
        address = self._address
        self.trouble = None
        if address.kind == "sse":
            async with sse_client(
                address.url, sse_read_timeout=_IDLE_SECONDS, httpx_client_factory=self._client
            ) as streams:
                yield streams
            return
        async with (
            self._client() as client,
            streamable_http_client(address.url, http_client=client, max_sse_event_size=2 * self.most_bytes) as streams,
        ):
            yield streams

    def _client(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        # Idle connections are closed before common servers close them (uvicorn: after 5 s).
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=32, keepalive_expiry=4.0)
        transport = _Answering(_Outward(limits), self)
        read = max(_IDLE_SECONDS, self._limits.call_seconds + 5)
        try:
            given = httpx2.Headers({**self._address.headers, **(headers or {})})
        except UnicodeEncodeError:
            raise UpstreamUnavailable("a header has characters that no header can have", final=True) from None
        return httpx2.AsyncClient(
            transport=transport,
            headers=given,
            timeout=httpx2.Timeout(_CONNECT_SECONDS, read=read),
            auth=auth,
            trust_env=False,
        )

    def note_refusal(self, request: httpx2.Request, status: int, body: bytes) -> None:
        """Notes what the refusal of a POST means: for its call, for the session, and for the kind of server."""
        self.trouble = f"answered HTTP {status}"
        attempt = current_attempt.get()
        if attempt is not None:
            attempt.status, attempt.said = status, error_in(body)[1]
        if self.kind == "http" and MCP_SESSION_ID not in request.headers:
            self.may_be_sse = self.may_be_sse or speaks_no_streamable_http(request, status)
        elif loses_session(status, body) and (attempt is not None or b'"id"' in request.content):
            self.lost.set()
            if attempt is not None:
                attempt.not_run = True
        elif self.kind == "sse" and attempt is None:
            self.lost.set()

    def note_unreached(self, request: httpx2.Request, error: Exception) -> None:
        """Notes that a request got no answer."""
        self.trouble = "cannot be reached"
        attempt = current_attempt.get()
        if attempt is not None:
            attempt.not_run = isinstance(error, httpx2.ConnectError)
        elif self.kind == "sse" and request.method == "POST":
            self.lost.set()

    @property
    def kind(self) -> Kind:
        return self._address.kind

    @property
    def most_bytes(self) -> int:
        """The limit of one answer in bytes. Over the older transport the SDK accepts no event of more than a
        megabyte."""
        most = self._limits.result_bytes + _ENVELOPE_BYTES
        return min(most, _MAX_SSE_EVENT) if self._address.kind == "sse" else most


class _Outward(httpx2.AsyncBaseTransport):
    """The transport that follows the environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY and SSL_CERT_FILE. It wraps a whole
    client, because only httpx2's client reads these variables."""

    def __init__(self, limits: httpx2.Limits) -> None:
        self._client = httpx2.AsyncClient(limits=limits, trust_env=True, follow_redirects=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._client.send(request, stream=True)
        self._client.cookies.clear()  # cookies are kept by the outer client
        return response

    async def aclose(self) -> None:
        await self._client.aclose()


class _Answering(httpx2.AsyncBaseTransport):
    """A transport that answers with an error for a server that cannot be reached, and bounds what is read of an
    answer."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, transport: HttpTransport) -> None:
        self._inner = inner
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        transport = self._transport
        attempt = current_attempt.get()
        if attempt is not None and request.method == "POST":
            attempt.sent = True
        try:
            response = await self._inner.handle_async_request(request)
            if response.status_code >= 400:
                return await self._refused(request, response)
            kind = response.headers.get("content-type", "").lower()
            if kind.startswith("application/json"):
                return await self._whole(request, response)
            if kind.startswith("text/event-stream"):
                ended = transport.doubt if request.method == "GET" else _nothing
                body = BoundedEvents(response, transport.most_bytes, ended)
                return httpx2.Response(response.status_code, headers=_decoded(response), stream=body, request=request)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            transport.note_unreached(request, error)
            if request.method == "GET":
                transport.doubt()
            return self._settled(request, _answer(request, refusal(None, CONNECTION_CLOSED, CONNECTION_LOST)))
        return response

    async def _refused(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        whole = await self._whole(request, response)
        if request.method == "POST":
            self._transport.note_refusal(request, response.status_code, whole.content)
            return self._settled(request, whole)
        if response.status_code != _NO_STREAM:
            self._transport.doubt()
        return whole

    def _settled(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """Returns what the SDK may see. Over HTTP+SSE it would stop sending after the first refusal, and leave the
        call waiting; so the wait is ended here, and the SDK sees that the message was taken."""
        if self._transport.kind != "sse" or request.method != "POST":
            return response
        attempt = current_attempt.get()
        if attempt is not None:
            attempt.waiting.cancel()
        return httpx2.Response(202, request=request)

    async def _whole(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """Reads the whole response here, because an exception during a later read would not be caught."""
        parts: list[bytes] = []
        size = 0
        try:
            async for part in response.aiter_bytes():
                size += len(part)
                if size <= self._transport.most_bytes:
                    parts.append(part)
                elif size > _MAX_DRAINED:
                    break
        finally:
            await response.aclose()
        if size > self._transport.most_bytes:
            return _answer(request, too_large(None, size))
        body = unicode_json(b"".join(parts))
        return httpx2.Response(response.status_code, headers=_decoded(response), content=body, request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _nothing() -> None:
    pass


def _decoded(response: httpx2.Response) -> list[tuple[bytes, bytes]]:
    """Returns the headers of a response whose body has been decoded."""
    dropped = (b"content-encoding", b"content-length", b"transfer-encoding")
    return [(name, value) for name, value in response.headers.raw if name.lower() not in dropped]


def _answer(request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
    """Returns a JSON-RPC error with the status 503; the SDK takes an error with a status of 400 or more as the answer
    to its request."""
    headers = {"content-type": "application/json"}
    return httpx2.Response(503, headers=headers, content=to_json(body), request=request)
