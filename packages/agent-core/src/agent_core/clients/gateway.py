"""The LLM gateway as the agent calls it: one pooled HTTP session, errors translated at this border."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from service_kit.errors import ApiError

from agent_core.clients.gateway_stream import ModelAnswer, StreamDecoder, decode_error
from agent_core.errors import GatewayUnavailable

_CONNECT_SECONDS = 5.0
_LIST_SECONDS = 2.0
_ERROR_BODY_BYTES = 64 * 1024


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf the gateway is called, and as part of which request."""

    user: str = ""
    request_id: str = ""
    traceparent: str | None = None

    def headers(self) -> dict[str, str]:
        given = {"X-User-ID": self.user, "X-Request-ID": self.request_id, "traceparent": self.traceparent or ""}
        return {name: value for name, value in given.items() if value.isascii() and value.isprintable() and value}


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
    """The gateway at one base URL, over a session that its maker owns."""

    def __init__(self, session: aiohttp.ClientSession, url: str, api_key: str | None = None) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def generate(self, payload: dict[str, Any], caller: Caller) -> AsyncGenerator[str | ModelAnswer, None]:
        """Stream one answer: its text as it comes, last a `ModelAnswer`.

        Closing the generator, or cancelling its task, closes the connection at once.
        Raises GatewayUnavailable and GatewayRefused.
        """
        decoder = StreamDecoder()
        headers = self._headers | caller.headers() | {"Content-Type": "application/json"}
        body = msgspec.json.encode(payload | {"stream": True})
        async with (
            _translated(),
            self._session.post(
                f"{self._url}/mcp/llm/generate", data=body, headers=headers, allow_redirects=False
            ) as response,
        ):
            if response.status != 200:
                raise await _error(response)
            async for data in response.content.iter_any():
                for text in decoder.feed(data):
                    yield text
                if decoder.done:
                    break
        yield decoder.finish()

    async def models(self) -> tuple[list[ListedModel], str | None]:
        """The models, and the name of the default one where the gateway tells it; at most two seconds.

        Raises GatewayUnavailable and GatewayRefused.
        """
        timeout = aiohttp.ClientTimeout(total=_LIST_SECONDS)
        async with (
            _translated(),
            self._session.get(
                f"{self._url}/mcp/llm/list", headers=self._headers, timeout=timeout, allow_redirects=False
            ) as response,
        ):
            if response.status != 200:
                raise await _error(response)
            try:
                listing = msgspec.json.decode(await response.read(), type=_Listing)
            except msgspec.MsgspecError as error:
                raise GatewayUnavailable("What answers at LLM_GATEWAY_URL is not an LLM gateway.") from error
        return listing.llms, listing.default


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """aiohttp's errors as ours: whatever the cause, the gateway is not there."""
    try:
        yield
    except ConnectionResetError as error:
        raise GatewayUnavailable("The connection to the LLM gateway was lost.") from error
    except aiohttp.ClientPayloadError as error:
        raise GatewayUnavailable("The LLM gateway's answer was cut off before its end.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise GatewayUnavailable("The LLM gateway cannot be reached.") from error


async def _error(response: aiohttp.ClientResponse) -> ApiError:
    body = await response.content.read(_ERROR_BODY_BYTES)
    return decode_error(response.status, body, response.headers.get("Retry-After"))


@asynccontextmanager
async def open_gateway(url: str, api_key: str | None = None) -> AsyncIterator[Gateway]:
    """A gateway client with a session of its own, closed with the block."""
    # No total limit: an answer may take as long as its run may, and the run has the deadline.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=2**18
    ) as session:
        yield Gateway(session, url, api_key)
