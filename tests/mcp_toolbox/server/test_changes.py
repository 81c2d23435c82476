"""Notifications of changed lists and resources, for clients of every revision. Clients that have left are forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.server.subscriptions import ResourceUpdated, ToolsListChanged
from mcp_toolbox.registry.tool import Hints, Tool, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.server import ToolboxServer, create_server
from mcp_toolbox.server.streams import DrainedAndIdle
from mcp_toolbox.server.transports import HttpTransports
from service_kit.auth.principal import UNAUTHENTICATED, open_principal
from service_kit.testing import running
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from tests.waiting import eventually


def hello() -> str:
    """Say hello."""
    return "hello"


HELLO: Tool = from_function(hello, Hints(read_only=True))


@pytest.fixture
def server(registry: ToolRegistry) -> ToolboxServer:
    return create_server(registry, version="1")


@pytest.fixture
def streams() -> list[str]:
    """The paths of the streams that have begun, which clients listen on."""
    return []


@pytest.fixture
async def served(server: ToolboxServer, streams: list[str]) -> AsyncIterator[str]:
    drained = asyncio.Event()
    transports = HttpTransports(server, max_body_bytes=10**6, drained=drained, on_drain=server.changes.listen.close)
    routes = [
        Route("/mcp", endpoint=Asgi(transports.streamable_http, streams)),
        Route("/sse", endpoint=Asgi(transports.sse, streams)),
        Mount("/messages", app=Asgi(transports.messages)),
    ]
    async with running(AtTheEdge(Starlette(routes=routes, lifespan=lambda _: transports.run()))) as url:
        yield url
        drained.set()


class Asgi:
    """A class, because a Route takes a function for a handler of requests. `streams` gets the path of each answer to a
    GET that has begun."""

    def __init__(self, app: Any, streams: list[str] | None = None) -> None:
        self._app = app
        self._streams = streams

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["principal"] = UNAUTHENTICATED  # as the edge notes it

        async def sent(message: Any) -> None:
            await send(message)
            if self._streams is not None and scope["method"] == "GET" and message["type"] == "http.response.start":
                self._streams.append(scope["path"])

        await self._app(scope, receive, sent)


class AtTheEdge:
    """Gives each request the principal that the edge would: that of a service without keys."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["principal"] = open_principal(operator=True)
        await self._app(scope, receive, send)


class Heard(list[str]):
    """The methods of the notifications that a client got."""

    async def __call__(self, message: Any) -> None:
        self.append(getattr(message, "method", ""))

    async def until(self, method: str) -> None:
        await eventually(lambda: method in self)


TOOLS, UPDATED = "notifications/tools/list_changed", "notifications/resources/updated"
LEGACY: dict[str, Callable[[str], Any]] = {
    "streamable http": lambda url: f"{url}/mcp",
    "sse": lambda url: sse_client(f"{url}/sse"),
}


@pytest.mark.parametrize("transport", LEGACY)
async def test_a_session_hears_once_of_many_changes(
    served: str, server: ToolboxServer, registry: ToolRegistry, streams: list[str], transport: str
):
    heard = Heard()
    async with Client(LEGACY[transport](served), mode="legacy", message_handler=heard) as client:
        await eventually(lambda: len(server.changes) == 1)
        await client.list_tools()
        await eventually(lambda: streams)
        registry.replace("one", [HELLO])
        registry.replace("one", [])
        registry.replace("two", [HELLO])
        await heard.until(TOOLS)
        assert "hello" in [tool.name for tool in (await client.list_tools()).tools]
        # Another change is heard of after all that there is to hear of the first ones.
        registry.replace("two", [])
        await eventually(lambda: heard.count(TOOLS) > 1)
        assert heard.count(TOOLS) == 2


@pytest.mark.parametrize("transport", LEGACY)
async def test_a_session_that_ended_is_forgotten(
    served: str, server: ToolboxServer, registry: ToolRegistry, transport: str
):
    for _ in range(3):
        async with Client(LEGACY[transport](served), mode="legacy"):
            await eventually(lambda: len(server.changes) == 1)
        await eventually(lambda: len(server.changes) == 0)
    registry.replace("one", [HELLO])
    async with Client(LEGACY[transport](served), mode="legacy") as client:  # the one that is there is served as before
        assert "hello" in [tool.name for tool in (await client.list_tools()).tools]


async def test_a_session_hears_of_the_resources_that_it_subscribed_to(
    served: str, server: ToolboxServer, registry: ToolRegistry, streams: list[str]
):
    heard = Heard()
    async with Client(f"{served}/mcp", mode="legacy", message_handler=heard) as client:
        await eventually(lambda: len(server.changes) == 1)
        await eventually(lambda: streams)
        await client.session.subscribe_resource("toolbox://tools/hello")
        registry.replace("one", [HELLO])
        await heard.until(UPDATED)
        await client.session.unsubscribe_resource("toolbox://tools/hello")
        del heard[:]
        registry.replace("one", [])
        await heard.until(TOOLS)
        await client.list_tools()  # whatever was sent beside it has come by then
        assert UPDATED not in heard


async def test_a_current_client_hears_what_it_listens_for(served: str, registry: ToolRegistry):
    async with (
        Client(f"{served}/mcp") as client,
        client.listen(tools_list_changed=True, resource_subscriptions=["toolbox://catalogue"]) as news,
    ):
        registry.replace("one", [HELLO])
        async with asyncio.timeout(5):
            events = {await anext(news), await anext(news)}
    assert events == {ToolsListChanged(), ResourceUpdated("toolbox://catalogue")}


async def test_a_listener_that_left_is_forgotten(served: str, server: ToolboxServer):
    listening = server.changes.listen._streams
    async with Client(f"{served}/mcp") as client:
        async with client.listen(tools_list_changed=True):
            assert len(listening) == 1
        await eventually(lambda: not listening)


async def test_listening_ends_properly_when_the_service_drains(registry: ToolRegistry):
    server, drained = create_server(registry, version="1"), asyncio.Event()
    transports = HttpTransports(server, max_body_bytes=10**6, drained=drained, on_drain=server.changes.listen.close)
    app = Starlette(routes=[Route("/mcp", Asgi(transports.streamable_http))], lifespan=lambda _: transports.run())
    async with (
        running(AtTheEdge(app)) as url,
        Client(f"{url}/mcp") as client,
        client.listen(tools_list_changed=True) as news,
    ):
        drained.set()
        async with asyncio.timeout(5):
            assert [event async for event in news] == []


async def test_a_change_before_anybody_runs_is_no_error(registry: ToolRegistry, server: ToolboxServer):
    await asyncio.to_thread(registry.replace, "one", [HELLO])  # no loop in that thread
    assert registry.get("hello")


async def test_streams_that_answers_come_on_wait_for_running_calls():
    drained = asyncio.Event()
    ending = DrainedAndIdle(drained)
    answered = asyncio.Event()

    class Call:
        method = "tools/call"

    async def work(ctx: Any) -> None:
        await answered.wait()

    call = asyncio.create_task(ending(Call(), work))  # type: ignore[arg-type]
    waiting = asyncio.create_task(ending.wait())
    drained.set()
    for _ in range(10):  # turns of the loop, in which it might end
        await asyncio.sleep(0)
    assert not waiting.done()
    answered.set()
    await call
    await asyncio.wait_for(waiting, 8)
