"""Notifications of changed lists and resources.

A client of a handshake revision gets them on its session's own stream; one of 2026-07-28 only on a stream that it has
opened with `subscriptions/listen`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from mcp_toolbox.registry.prompts import Prompts
from mcp_toolbox.registry.resources import Resources, in_uri
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.self_description import CATALOG_URI, TOOL_URI

_SETTLE_SECONDS = 0.05
"""Several upstreams often change at the same moment; clients are notified once for all of them."""

_SEND_SECONDS = 5.0
_MOST_SUBSCRIPTIONS = 1000
_SUBSCRIBED = "mcp_toolbox.subscribed"


class Changes:
    """Watches the lists and notifies the connected clients. `listen` serves `subscriptions/listen`."""

    def __init__(self, registry: ToolRegistry, resources: Resources, prompts: Prompts) -> None:
        self._registry = registry
        self._sessions: set[Connection] = set()
        self._bus = InMemorySubscriptionBus()
        self._news: dict[ServerEvent, None] = {}
        self._telling: asyncio.Task[None] | None = None
        self._known = _entries(registry)
        self.listen = ListenHandler(self._bus)
        registry.watch(self._tools_changed)
        resources.watch(lambda: self.note(ResourcesListChanged()))
        prompts.watch(lambda: self.note(PromptsListChanged()))

    def __len__(self) -> int:
        """Returns the number of open sessions of the handshake revisions."""
        return len(self._sessions)

    def join(self, request: ServerRequestContext[Any, Any]) -> None:
        """Notifies this session of changes from now on, until it ends."""
        connection = _connection(request)
        if connection not in self._sessions:
            self._sessions.add(connection)
            connection.exit_stack.callback(self._sessions.discard, connection)

    def subscribe(self, request: ServerRequestContext[Any, Any], uri: str) -> None:
        """Notifies this session when the resource `uri` changes.

        Raises:
            MCPError: the session has too many subscriptions.
        """
        subscribed = _connection(request).state.setdefault(_SUBSCRIBED, set())
        if len(subscribed) >= _MOST_SUBSCRIPTIONS:
            raise MCPError(code=INVALID_PARAMS, message=f"A session subscribes to at most {_MOST_SUBSCRIPTIONS}")
        subscribed.add(uri)

    def unsubscribe(self, request: ServerRequestContext[Any, Any], uri: str) -> None:
        """Ends a subscription of this session."""
        _connection(request).state.get(_SUBSCRIBED, set()).discard(uri)

    def note(self, *events: ServerEvent) -> None:
        """Notes that something has changed. Clients are notified shortly afterwards, once for each kind of event."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # the toolbox is still being composed: no client is connected
            return
        self._news.update(dict.fromkeys(events))
        if self._telling is None or self._telling.done():
            self._telling = loop.create_task(self._tell())

    def _tools_changed(self) -> None:
        before, self._known = self._known, _entries(self._registry)
        names = [name for name in {**before, **self._known} if before.get(name) != self._known.get(name)]
        uris = [CATALOG_URI, *(TOOL_URI.replace("{name}", in_uri(name)) for name in names)]
        self.note(ToolsListChanged(), *map(ResourceUpdated, uris))

    async def _tell(self) -> None:
        while self._news:
            await asyncio.sleep(_SETTLE_SECONDS)
            news, self._news = tuple(self._news), {}
            await asyncio.gather(*(_send(connection, news) for connection in list(self._sessions)))
            for event in news:
                await self._bus.publish(event)


def _entries(registry: ToolRegistry) -> dict[str, dict[str, Any]]:
    return {tool.name: tool.to_wire() for tool in registry}


def _connection(request: ServerRequestContext[Any, Any]) -> Connection:
    # The SDK exposes the connection to handlers of its high-level servers only. It is needed here to know when a
    # session ends.
    return request.session._connection


async def _send(connection: Connection, news: Iterable[ServerEvent]) -> None:
    """Sends the news to one client, best effort: a client that does not read misses them, and does not delay others."""
    with anyio.move_on_after(_SEND_SECONDS):
        for event in news:
            if isinstance(event, ToolsListChanged):
                await connection.send_tool_list_changed()
            elif isinstance(event, ResourcesListChanged):
                await connection.send_resource_list_changed()
            elif isinstance(event, PromptsListChanged):
                await connection.send_prompt_list_changed()
            elif event.uri in connection.state.get(_SUBSCRIBED, ()):
                await connection.send_resource_updated(event.uri)
