"""The HTTP client under the MCP client: a failed request fails alone.

The SDK runs all requests of a client in one task group, so one that raises ends every other one and the client with
them. Here a network failure becomes a JSON-RPC error that answers its own request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import msgspec
from mcp_types import CONNECTION_CLOSED

_LOST = msgspec.json.encode(
    {"jsonrpc": "2.0", "id": None, "error": {"code": CONNECTION_CLOSED, "message": "connection lost"}}
)


class AnsweringTransport(httpx2.AsyncBaseTransport):
    """Answers for a server that cannot be reached."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._inner.handle_async_request(request)
            if response.headers.get("content-type", "").startswith("application/json"):
                await response.aread()  # here, since nobody catches what it raises later
        except httpx2.TransportError:
            return httpx2.Response(503, headers={"content-type": "application/json"}, content=_LOST, request=request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def open_mcp_http(api_key: str | None, *, read_timeout: float) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client for MCP; times are in seconds."""
    # Idle connections are dropped before the usual servers drop them (uvicorn: 5 s).
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=4.0)
    transport = AnsweringTransport(httpx2.AsyncHTTPTransport(limits=limits, trust_env=False))
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    timeout = httpx2.Timeout(5.0, read=read_timeout)
    async with httpx2.AsyncClient(transport=transport, headers=headers, timeout=timeout, trust_env=False) as client:
        yield client
