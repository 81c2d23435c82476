"""The LLM gateway as the agent calls it: one pool of HTTP connections, errors translated at this border."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpcore2
import msgspec

from agent_core.clients.caller import Caller
from agent_core.clients.gateway_stream import ModelAnswer, StreamDecoder, decode_error
from agent_core.clients.retry import NotBegun, pause_asked_for, repeat_until_begun
from agent_core.clients.sockets import AsyncioBackend
from agent_core.deadline import Deadline
from agent_core.errors import GatewayUnavailable

_CONNECT_SECONDS = 5.0
_LIST_SECONDS = 2.0
_ERROR_BODY_BYTES = 64 * 1024
_ERROR_BODY_SECONDS = 5.0
_END_SECONDS = 0.1
_IDLE_SECONDS = 4.0
"""Idle connections are dropped before the usual servers drop them (uvicorn: 5 s)."""


class ListedModel(msgspec.Struct, frozen=True):
    """A row of `GET /mcp/llm/list`; `supports` names abilities, `tools` among them, and is empty when unknown."""

    name: str
    provider: str = ""
    description: str = ""
    available: bool = True
    supports: tuple[str, ...] = ()


class _Listing(msgspec.Struct):
    llms: list[ListedModel]
    default: str | None = None


class Gateway:
    """The gateway at one base URL, over a pool of connections that its maker owns."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool, url: str, api_key: str | None = None) -> None:
        self._pool = pool
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def generate(
        self, payload: dict[str, Any], caller: Caller, deadline: Deadline | None = None
    ) -> AsyncGenerator[str | ModelAnswer, None]:
        """Streams one answer: its text as it comes, last a `ModelAnswer`.

        Until the stream begins the question is repeated as `agent_core.clients.retry` says, within `deadline`; without
        one it is asked once. Closing the generator, or cancelling its task, closes the connection at once.

        Raises:
            GatewayUnavailable: the gateway is away, or its stream was cut off.
            GatewayRefused: the gateway answered with an error.
        """
        decoder = StreamDecoder()
        headers = self._headers | caller.headers() | {"Content-Type": "application/json"}
        body = msgspec.json.encode(payload | {"stream": True})
        async with AsyncExitStack() as stack:
            response = await repeat_until_begun(
                lambda: self._begin(stack, "POST", "/mcp/llm/generate", headers, body), deadline
            )
            chunks = response.aiter_stream()
            async with _cut_off():
                while not decoder.done and (data := await anext(chunks, None)) is not None:
                    for text in decoder.feed(data):
                        yield text
            await _read_to_the_end(chunks)
        yield decoder.finish()

    async def models(self, deadline: Deadline | None = None) -> tuple[list[ListedModel], str | None]:
        """Returns the models, and the name of the default one where the gateway tells it; each attempt takes at most
        two seconds, and with a `deadline` there may be several.

        Raises:
            GatewayUnavailable: the gateway is away, or what answers is none.
            GatewayRefused: the gateway answered with an error.
        """
        body = await repeat_until_begun(self._listing, deadline)
        try:
            listing = msgspec.json.decode(body, type=_Listing)
        except msgspec.MsgspecError as error:
            raise GatewayUnavailable("What answers at LLM_GATEWAY_URL is not an LLM gateway.") from error
        return listing.llms, listing.default

    async def _listing(self) -> bytes:
        try:
            async with asyncio.timeout(_LIST_SECONDS), AsyncExitStack() as stack:
                response = await self._begin(stack, "GET", "/mcp/llm/list", self._headers)
                async with _cut_off():
                    return await response.aread()
        except TimeoutError as error:
            raise GatewayUnavailable("The LLM gateway does not answer.") from error

    async def _begin(
        self, stack: AsyncExitStack, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> httpcore2.Response:
        """Returns the response once its head says 200; `stack` closes it.

        Raises:
            NotBegun: the gateway was not reached, left before it had answered anything, or asked to come back later.
            GatewayRefused: it answered with another error.
        """
        # No limit on reading: an answer may take as long as its run may, and the run has the deadline.
        timeouts = {"timeout": {"connect": _CONNECT_SECONDS}}
        request = self._pool.stream(
            method, self._url + path, headers=[*headers.items()], content=body, extensions=timeouts
        )
        try:
            response = await stack.enter_async_context(request)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            raise NotBegun(GatewayUnavailable("The LLM gateway cannot be reached.")) from error
        except (httpcore2.NetworkError, httpcore2.RemoteProtocolError) as error:
            raise NotBegun(GatewayUnavailable("The connection to the LLM gateway was lost.")) from error
        if response.status == 200:
            return response
        answered = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        error = decode_error(
            response.status, await _error_body(response), answered.get("retry-after"), answered.get("x-should-retry")
        )
        pause = pause_asked_for(response.status, answered, error.code)
        raise error if pause is None else NotBegun(error, pause)


@asynccontextmanager
async def _cut_off() -> AsyncIterator[None]:
    """Translates what a connection raises in the middle of an answer."""
    try:
        yield
    except (httpcore2.NetworkError, httpcore2.RemoteProtocolError) as error:
        raise GatewayUnavailable("The LLM gateway's answer was cut off before its end.") from error


async def _read_to_the_end(chunks: AsyncIterator[bytes]) -> None:
    """Reads what follows a finished answer, which is next to nothing: only so is the connection of use for another."""
    with suppress(TimeoutError, GatewayUnavailable):
        async with asyncio.timeout(_END_SECONDS), _cut_off():
            async for _ in chunks:
                pass


async def _error_body(response: httpcore2.Response) -> bytes:
    """Returns the beginning of an error's body, as far as it comes in time."""
    body = b""
    with suppress(TimeoutError, GatewayUnavailable):  # the status alone says enough
        async with asyncio.timeout(_ERROR_BODY_SECONDS), _cut_off():
            async for data in response.aiter_stream():
                body += data
                if len(body) > _ERROR_BODY_BYTES:
                    break
    return body


@asynccontextmanager
async def open_gateway(url: str, api_key: str | None = None) -> AsyncIterator[Gateway]:
    """A gateway client with connections of its own, closed with the block."""
    async with httpcore2.AsyncConnectionPool(
        max_connections=None,
        max_keepalive_connections=64,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=AsyncioBackend(),
    ) as pool:
        yield Gateway(pool, url, api_key)
