"""Fixtures: a toolbox on an ephemeral port of the loopback interface, and its clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from mcp_toolbox import tools
from mcp_toolbox.app import create_app
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.registry.tools import ToolRegistry, discover
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running

CURRENT = "2026-07-28"
ACCEPT = "application/json, text/event-stream"


@pytest.fixture
def registry() -> ToolRegistry:
    return ToolRegistry(discover(tools))


@pytest.fixture
def serve_toolbox(registry: ToolRegistry):
    """A context manager: the toolbox with these variables and these extra tools, as a base URL."""

    def serve(*extra: Tool, **environ: str):
        return running(create_app(load(ToolboxSettings, environ), ToolRegistry([*registry, *extra])))

    return serve


@pytest.fixture
async def toolbox(serve_toolbox: Any) -> AsyncIterator[str]:
    async with serve_toolbox() as url:
        yield url


@pytest.fixture
async def http(toolbox: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=toolbox, timeout=10) as client:
        yield client


@pytest.fixture
def modern():
    """A request of revision 2026-07-28: its headers and its body."""

    def request(method: str, params: dict[str, Any] | None = None, id_: int = 1) -> dict[str, Any]:
        meta = {
            "io.modelcontextprotocol/protocolVersion": CURRENT,
            "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        headers = {"accept": ACCEPT, "mcp-protocol-version": CURRENT, "mcp-method": method}
        if params and isinstance(params.get("name"), str):
            headers["mcp-name"] = params["name"]
        body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": {**(params or {}), "_meta": meta}}
        return {"headers": headers, "json": body}

    return request
