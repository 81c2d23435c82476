"""Fixtures: the toolbox with servers of other authors behind it, from npm and from PyPI."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent
from mcp_toolbox.app import from_environment
from service_kit.testing import running

Servers = dict[str, dict[str, Any]]


@dataclass
class Toolbox:
    """A running toolbox whose servers are connected: plain REST at `http`, MCP at `url`."""

    url: str
    http: httpx.AsyncClient

    async def health(self) -> dict[str, Any]:
        return (await self.http.get("/health")).json()

    async def call(self, name: str, /, **arguments: Any) -> httpx.Response:
        """A call over REST."""
        return await self.http.post("/mcp/tools/call", json={"name": name, "arguments": arguments})

    async def result(self, name: str, /, **arguments: Any) -> CallToolResult:
        """A call over both ways in, which have to answer the same."""
        over_rest = CallToolResult.model_validate((await self.call(name, **arguments)).json())
        async with Client(f"{self.url}/mcp") as client:
            over_mcp = await client.call_tool(name, arguments)
        assert (over_mcp.content, over_mcp.structured_content, over_mcp.is_error) == (
            over_rest.content,
            over_rest.structured_content,
            over_rest.is_error,
        )
        return over_mcp

    async def text(self, name: str, /, **arguments: Any) -> str:
        """What a call that succeeds says first."""
        result = await self.result(name, **arguments)
        assert not result.is_error, result
        assert isinstance(result.content[0], TextContent)
        return result.content[0].text

    async def listed(self) -> list[dict[str, Any]]:
        """The tools over REST, which have to be those over MCP."""
        tools = (await self.http.get("/mcp/tools/list")).json()["tools"]
        async with Client(f"{self.url}/mcp") as client:
            over_mcp = await client.list_tools()
        assert [tool["name"] for tool in tools] == [tool.name for tool in over_mcp.tools]
        assert all(tool["description"] and tool["inputSchema"]["type"] == "object" for tool in tools)
        return tools


@pytest.fixture
def toolbox_with(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Toolbox]]:
    """A context manager: the toolbox with these entries in its `mcpServers` file, once all are connected."""

    @asynccontextmanager
    async def opened(servers: Servers, **environ: str) -> AsyncIterator[Toolbox]:
        file = tmp_path / "mcp.json"
        file.write_text(json.dumps({"mcpServers": servers}), "utf-8")
        app, _ = from_environment({"PATH": os.environ["PATH"], "MCP_SERVERS_FILE": str(file), **environ})
        async with running(app) as url, httpx.AsyncClient(base_url=url, timeout=30) as http:
            toolbox = Toolbox(url, http)
            async with asyncio.timeout(60):
                while any(each["status"] != "connected" for each in (await toolbox.health())["servers"].values()):
                    await asyncio.sleep(0.05)
            yield toolbox

    return opened
