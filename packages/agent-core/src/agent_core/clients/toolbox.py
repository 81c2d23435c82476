"""The toolbox as the agent sees it: its tools over MCP, through one client that outlives its server.

One task owns the client's enter and exit (anything else breaks the SDK's cancel scopes), keeps the list of tools
fresh, and connects again with growing pauses when the toolbox dies. Calls run in their callers' tasks, many at a
time, over that one client.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import msgspec
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    REQUEST_TIMEOUT,
)
from service_kit.background import Wakeup, supervised
from service_kit.telemetry.logs import get_logger

from agent_core.clients.caller import Caller
from agent_core.clients.mcp_http import Lost, current_caller, open_mcp_http
from agent_core.clients.retry import NotBegun, repeat_until_begun
from agent_core.clients.tools import Tool, ToolAnswer, text_of, tool_of
from agent_core.deadline import Deadline
from agent_core.errors import ToolboxUnavailable

_log = get_logger(__name__)

_LIST_SECONDS = 5.0
_WAIT_SECONDS = 2.0
_FRESH_SECONDS, _STALE_SECONDS, _IDLE_SECONDS = 10.0, 60.0, 300.0
"""A list of tools that is used is read again behind the use after ten seconds, and before it after a minute; one that
is not used is read every five minutes, so that an idle suite is quiet."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_MAX_PAGES = 100
_USER = "agent-suite/user"
_NO_CALLER = Caller()

# What an MCP error says about the connection rather than about the call.
_LOST = frozenset({CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST})


class Toolbox:
    """The toolbox at one MCP endpoint; made by `open_toolbox`."""

    def __init__(self, endpoint: str, api_key: str | None, call_timeout: float, list_timeout: float) -> None:
        self._endpoint = endpoint
        self._api_key = api_key
        self._call_timeout = call_timeout
        self._list_timeout = list_timeout
        self._client: Client | None = None
        self._tools: tuple[Tool, ...] = ()
        self._last_tools: tuple[Tool, ...] = ()  # also while the toolbox is away
        self._listed_at = float("-inf")
        self._wake = Wakeup()
        self._attempt: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def connected(self) -> bool:
        return self._client is not None

    @property
    def known_tools(self) -> tuple[Tool, ...]:
        """The tools as last listed; empty while the toolbox is away."""
        return self._tools

    async def tools(self, deadline: Deadline | None = None) -> tuple[Tool, ...]:
        """Returns the tools; with a deadline a toolbox that is away is waited for as `agent_core.clients.retry` says.

        Raises:
            ToolboxUnavailable: the toolbox is away.
        """
        await repeat_until_begun(self._connected_client, deadline)
        return self._tools

    def refresh_if_stale(self) -> None:
        """Has the list of tools read again soon if it is older than ten seconds."""
        if self._age() > _FRESH_SECONDS:
            self._wake.set()

    async def check(self) -> bool:
        """Returns whether the toolbox answers now; takes at most two seconds and never raises."""
        return await self._next_attempt() and self.connected

    async def call(
        self, name: str, args: dict[str, Any], *, caller: Caller = _NO_CALLER, deadline: Deadline | None = None
    ) -> ToolAnswer:
        """Calls a tool on behalf of `caller`. A tool that fails or takes too long gives an answer that says so.

        Within `deadline` a call is repeated that the toolbox has not begun, and one that it may have begun if the tool
        is marked as read-only or idempotent.

        Raises:
            ToolboxUnavailable: the toolbox is away, or left before it had answered.
        """
        return await repeat_until_begun(lambda: self._call(name, args, caller), deadline)

    async def _call(self, name: str, args: dict[str, Any], caller: Caller) -> ToolAnswer:
        client = await self._connected_client()
        token = current_caller.set(caller)
        try:
            result = await client.call_tool(
                name, args, read_timeout_seconds=self._call_timeout, meta=cast(Any, _meta(caller))
            )
        except MCPError as error:
            if error.code == REQUEST_TIMEOUT:
                return ToolAnswer(f"The tool '{name}' did not answer within {self._call_timeout:g} s.", is_error=True)
            if error.code not in _LOST:
                return ToolAnswer(error.message, is_error=True)
            self._wake.set()
            raise self._lost_call(name, error) from error
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, RuntimeError) as error:
            # The owner closed this client while the call was about to use it.
            raise NotBegun(ToolboxUnavailable("The MCP toolbox cannot be reached.")) from error
        finally:
            current_caller.reset(token)
        return ToolAnswer(text_of(result), is_error=bool(result.is_error))

    def _lost_call(self, name: str, error: MCPError) -> Exception:
        unavailable = ToolboxUnavailable(f"The toolbox left before the tool '{name}' had answered.")
        lost = _lost_of(error)
        if lost.begun and not any(tool.name == name and tool.repeatable for tool in self._last_tools):
            return unavailable
        return NotBegun(unavailable, lost.retry_after)

    # --- the owner's task ---

    async def keep_connected(self) -> None:
        """Keeps the toolbox connected until it is cancelled; exactly one task runs it."""
        owner = cast("asyncio.Task[None]", asyncio.current_task())
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self._connecting() as client:
                    await self._stay(client)
            except Exception as error:  # noqa: BLE001 - whatever the SDK raises, alone or in groups, the owner goes on
                _log.debug("toolbox not reached", error=repr(error))
            if owner.cancelling():
                # While it connects, the SDK turns a cancellation into an error of its own.
                raise asyncio.CancelledError
            if self.connected:
                # The toolbox was there until now, so the next attempt is made at once; callers wait for its outcome.
                self._forget()
                pause = _FIRST_PAUSE
                continue
            self._end_attempt()
            self._wake.clear()
            await self._wake.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    @asynccontextmanager
    async def _connecting(self) -> AsyncIterator[Client]:
        async with open_mcp_http(self._api_key, read_timeout=self._call_timeout + 5) as http:
            client = Client(
                streamable_http_client(self._endpoint, http_client=http), read_timeout_seconds=self._list_timeout
            )
            async with client:
                yield client

    async def _stay(self, client: Client) -> None:
        """Keeps the list of tools fresh over `client`; raises the error that ends the use of `client`."""
        while True:
            try:
                self._tools = self._last_tools = await _list(client)
                self._listed_at = time.monotonic()
            except MCPError as error:
                # A toolbox too busy to answer may still finish the calls that it has, so this client stays.
                if error.code != REQUEST_TIMEOUT:
                    raise
                self._forget()
            else:
                if not self.connected:
                    _log.info("toolbox connected", tools=len(self._tools))
                self._client = client
            self._end_attempt()
            self._wake.clear()
            await self._wake.wait(_IDLE_SECONDS if self.connected else _FIRST_PAUSE)

    def _end_attempt(self) -> None:
        attempt, self._attempt = self._attempt, asyncio.get_running_loop().create_future()
        attempt.set_result(None)

    def _forget(self) -> None:
        if self._client is not None:
            _log.warning("toolbox lost")
        self._client = None
        self._tools = ()

    # --- for callers ---

    async def _connected_client(self) -> Client:
        """Returns the client; raises NotBegun when there is none within two seconds."""
        if self._client is None or self._age() > _STALE_SECONDS:
            await self._next_attempt()
        if self._client is None:
            raise NotBegun(ToolboxUnavailable("The MCP toolbox cannot be reached."))
        self.refresh_if_stale()
        return self._client

    def _age(self) -> float:
        """The seconds since the tools were listed."""
        return time.monotonic() - self._listed_at

    async def _next_attempt(self) -> bool:
        """Asks the owner for an attempt now; returns whether it ended within two seconds."""
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WAIT_SECONDS):
                await asyncio.shield(self._attempt)
            return True
        return False


def _meta(caller: Caller) -> dict[str, Any] | None:
    """The end user, and the trace by the name that MCP has for it (SEP-414)."""
    given = {_USER: caller.user, "traceparent": caller.traceparent}
    return {name: value for name, value in given.items() if value} or None


def _lost_of(error: MCPError) -> Lost:
    """What is known of a call whose connection is gone: where nothing is, it may have begun."""
    try:
        return msgspec.convert(error.error.data, Lost)
    except msgspec.ValidationError:
        return Lost(begun=True)


async def _list(client: Client) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        tools += map(tool_of, page.tools)
        cursor = page.next_cursor
        if cursor is None:
            break
    return tuple(tools)


@asynccontextmanager
async def open_toolbox(
    endpoint: str, api_key: str | None, call_timeout: float, list_timeout: float = _LIST_SECONDS
) -> AsyncIterator[Toolbox]:
    """Opens a toolbox that connects in the background and is closed with the block; times are in seconds."""
    toolbox = Toolbox(endpoint, api_key, call_timeout, list_timeout)
    async with supervised("toolbox connection", toolbox.keep_connected):
        yield toolbox
