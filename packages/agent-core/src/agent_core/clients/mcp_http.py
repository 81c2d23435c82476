"""The HTTP client under the MCP client: a failed request fails alone, and says whether it had begun.

The SDK runs all requests of a client in one task group, so one that raises ends every other one and the client with
them. Here a network failure becomes a JSON-RPC error that answers its own request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

import httpx2
import msgspec
from mcp_types import CONNECTION_CLOSED, INVALID_REQUEST

from agent_core.clients.caller import Caller
from agent_core.clients.retry import pause_asked_for

current_caller: ContextVar[Caller | None] = ContextVar("current_caller", default=None)
"""On whose behalf the current task calls tools. The SDK sends a message in the context of the task that wrote it."""

_ERROR_BODY_SECONDS = 5.0


class Lost(msgspec.Struct, frozen=True):
    """The `data` of the errors that are made here: whether the server may have begun the request, and the seconds after
    which it asked to be asked again."""

    begun: bool
    retry_after: float | None = None


class AnsweringTransport(httpx2.AsyncBaseTransport):
    """Answers for a server that cannot be reached or is not available."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        caller = current_caller.get()
        if caller is not None:
            request.headers.update(caller.headers())
        try:
            response = await self._inner.handle_async_request(request)
            if response.headers.get("content-type", "").startswith("application/json"):
                await response.aread()  # here, since the SDK does not catch what it raises later
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            return _lost(request, Lost(begun=False))
        except httpx2.TransportError:
            return _lost(request, Lost(begun=True))
        pause = pause_asked_for(response.status_code, response.headers)
        if pause is not None:
            await _discard(response)
            return _lost(request, Lost(begun=False, retry_after=pause))
        if response.status_code == 404 and "mcp-session-id" in request.headers:
            await _discard(response)
            return _lost(request, Lost(begun=False), INVALID_REQUEST)  # the session ended, with a restart for example
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _discard(response: httpx2.Response) -> None:
    with suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(_ERROR_BODY_SECONDS):
            await response.aclose()


def _lost(request: httpx2.Request, lost: Lost, code: int = CONNECTION_CLOSED) -> httpx2.Response:
    error: dict[str, Any] = {"code": code, "message": "connection lost", "data": lost}
    content = msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": error})
    return httpx2.Response(503, headers={"content-type": "application/json"}, content=content, request=request)


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
