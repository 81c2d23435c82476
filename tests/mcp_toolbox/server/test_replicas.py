"""Two replicas behind a load balancer that alternates between them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from mcp import Client
from mcp.types import ElicitResult
from mcp_toolbox.registry.tool import Hints, Tool, from_function
from pydantic import Field
from service_kit.testing import running
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

KEY = "0123456789abcdef" * 2
_OF_ONE_HOP = {"connection", "content-length", "transfer-encoding", "host"}


class RoundRobin:
    """A balancer without any memory of its clients; `served` counts what each replica got."""

    def __init__(self, replicas: list[str], http: httpx.AsyncClient) -> None:
        self._next = itertools.cycle(enumerate(replicas))
        self._http = http
        self.served = [0] * len(replicas)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        index, replica = next(self._next)
        self.served[index] += 1
        headers = {name: value for name, value in request.headers.items() if name not in _OF_ONE_HOP}
        asked = self._http.build_request(
            request.method, f"{replica}{request.url.path}", headers=headers, content=await request.body()
        )
        got = await self._http.send(asked, stream=True)
        kept = {name: value for name, value in got.headers.items() if name not in _OF_ONE_HOP}
        answer: Response = StreamingResponse(
            got.aiter_raw(), got.status_code, kept, background=BackgroundTask(got.aclose)
        )
        await answer(scope, receive, send)


class Folders(list[str]):
    """What was deleted, and the tool that does it."""

    @property
    def tool(self) -> Tool:
        def delete(folder: Annotated[str, Field(description="Which one.")]) -> str:
            """Delete a folder."""
            self.append(folder)
            return f"{folder} is gone"

        return from_function(delete, Hints(destructive=True))


@pytest.fixture
def folders() -> Folders:
    return Folders()


@pytest.fixture
def balanced(serve_toolbox: Any, folders: Folders):
    """A context manager: the balancer's address, and the balancer."""

    @asynccontextmanager
    async def serve(**environ: str) -> AsyncIterator[tuple[str, RoundRobin]]:
        async with (
            serve_toolbox(folders.tool, **environ) as one,
            serve_toolbox(folders.tool, **environ) as two,
            httpx.AsyncClient(timeout=30) as http,
        ):
            balancer = RoundRobin([one, two], http)
            async with running(balancer, lifespan="off") as url:
                yield url, balancer

    return serve


async def accepts(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept")


async def test_the_current_revision_needs_no_stickiness(balanced: Any, folders: Folders):
    async with (
        balanced(MCP_STATE_KEYS=KEY) as (url, balancer),
        Client(f"{url}/mcp", elicitation_callback=accepts) as client,
    ):
        for i in range(10):
            assert (await client.call_tool("add", {"a": i, "b": i})).structured_content == {"result": 2 * i}
            assert len((await client.list_tools()).tools) == 5
        for i in range(3):  # asked by one replica, answered to the other
            result = await client.call_tool("delete", {"folder": f"/{i}"})
            assert (result.is_error, result.structured_content) == (False, {"result": f"/{i} is gone"})
        assert (await client.read_resource("toolbox://catalogue")).contents
    assert folders == ["/0", "/1", "/2"]
    assert abs(balancer.served[0] - balancer.served[1]) <= 1


async def test_without_shared_keys_an_approval_is_lost_between_them(balanced: Any, folders: Folders):
    async with balanced() as (url, _), Client(f"{url}/mcp", elicitation_callback=accepts) as client:
        with pytest.raises(Exception, match="Invalid or expired requestState"):
            await client.call_tool("delete", {"folder": "/a"})
    assert folders == []


async def test_the_revisions_before_it_do(balanced: Any):
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "w", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize}
    accept = {"accept": "application/json, text/event-stream"}
    async with balanced() as (url, _), httpx.AsyncClient(base_url=url) as http:
        opened = await http.post("/mcp", headers=accept, json=body)
        session = {**accept, "mcp-session-id": opened.headers["mcp-session-id"]}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        answers = [(await http.post("/mcp", headers=session, json=ping)).status_code for _ in range(4)]
    assert answers == [404, 200, 404, 200]
