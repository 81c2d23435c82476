"""Fixtures: a toolbox to which servers are added, and a server elsewhere to add."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from mcp_toolbox.app import built_in, create_app, upstreams_of
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from mcp_toolbox.upstream import adding
from service_kit.settings import load
from service_kit.testing import running

ENGLISH = {"accept-language": "en"}
LOOPBACK = {"MCP_ADD_NETWORKS": "127.0.0.0/8"}


@asynccontextmanager
async def toolbox_of(registry: ToolRegistry | None = None, **variables: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a toolbox with these variables."""
    environ = {"PATH": os.environ["PATH"], **variables}
    settings = load(ToolboxSettings, environ)
    app = create_app(settings, registry or built_in(), upstreams_of(settings, environ))
    async with running(app) as url, httpx.AsyncClient(base_url=url, timeout=30, headers=ENGLISH) as client:
        yield client


@pytest.fixture
def opened():
    """A context manager: a client of a toolbox with these variables."""
    return toolbox_of


@pytest.fixture
async def elsewhere(toolbox: str) -> str:
    """The address of an MCP server."""
    return f"{toolbox}/mcp"


@pytest.fixture
def names_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host names lead to a public address, except those below `.invalid`, without a resolver being asked."""

    async def resolve(host: str, _: int) -> list[str]:
        if host.endswith(".invalid"):
            raise OSError("unknown")
        return ["93.184.216.34" if host.endswith(("example", "com", "dev", "io")) else host]

    monkeypatch.setattr(adding, "resolve", resolve)
