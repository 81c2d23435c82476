"""The official Python client at calls that take their time: progress and cancelling, over each transport."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp_toolbox.app import create_app
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running

from tests.contracts.working_tools import working_registry

CHILD = StdioServerParameters(command=sys.executable, args=[str(Path(__file__).parent / "working_tools.py")])
WAYS = {
    "streamable-http, modern": lambda url: Client(f"{url}/mcp"),
    "streamable-http, legacy": lambda url: Client(f"{url}/mcp", mode="legacy"),
    "sse": lambda url: Client(sse_client(f"{url}/sse"), mode="legacy"),
    "stdio": lambda _: Client(CHILD),
}


@pytest.fixture(params=WAYS)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """What makes the client; each test enters it in its own task."""
    async with running(create_app(load(ToolboxSettings, {}), working_registry())) as url:
        yield WAYS[request.param](url)


async def test_it_hears_of_progress_and_stops_what_it_no_longer_needs(client: Client):
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with client:
        counted = await client.call_tool("count", {"to": 3}, progress_callback=hear)
        assert counted.structured_content == {"result": 3}
        assert heard == [(1, 3, "at 1"), (2, 3, "at 2"), (3, 3, "at 3")]

        waiting = asyncio.create_task(client.call_tool("wait", {"seconds": 30}))
        await until(client, running=1, cancelled=0)
        waiting.cancel()
        await until(client, running=0, cancelled=1)
        assert (await client.call_tool("add", {"a": 1, "b": 1})).structured_content == {"result": 2}


async def until(client: Client, **state: int) -> None:
    """Wait for the calls of `wait` to be in this state."""
    async with asyncio.timeout(20):
        while (await client.call_tool("waits")).structured_content != {"result": state}:
            await asyncio.sleep(0.02)
