"""The official MCP client, as users have it, against the toolbox: each transport, each era of the protocol."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import INVALID_PARAMS
from mcp_toolbox.app import built_in, create_app
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running

Connect = Callable[[], Client]
CURRENT, LAST_HANDSHAKE = "2026-07-28", "2025-11-25"


def serve(**environ: str):
    return running(create_app(load(ToolboxSettings, environ), built_in()))


@pytest.fixture
async def toolbox() -> AsyncIterator[str]:
    async with serve() as url:
        yield url


WAYS = {
    "streamable-http, modern": (lambda url: Client(f"{url}/mcp"), CURRENT),
    "streamable-http, pinned": (lambda url: Client(f"{url}/mcp", mode=CURRENT), CURRENT),
    "streamable-http, legacy": (lambda url: Client(f"{url}/mcp", mode="legacy"), LAST_HANDSHAKE),
    "sse, legacy": (lambda url: Client(sse_client(f"{url}/sse"), mode="legacy"), LAST_HANDSHAKE),
    "sse, modern": (lambda url: Client(sse_client(f"{url}/sse")), CURRENT),
    "stdio, modern": (lambda _: Client(child()), CURRENT),
    "stdio, legacy": (lambda _: Client(child(), mode="legacy"), LAST_HANDSHAKE),
}


def child() -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=["-m", "mcp_toolbox", "--stdio"])


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, toolbox: str) -> tuple[Connect, str]:
    make, revision = WAYS[request.param]
    return (lambda: make(toolbox)), revision


async def test_it_lists_and_calls_every_tool(way: tuple[Connect, str]):
    connect, revision = way
    async with connect() as client:
        assert client.protocol_version == revision
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["add", "count_words", "multiply", "uppercase"]
        assert all(tool.description and tool.output_schema and tool.annotations for tool in tools)
        answers = [
            await client.call_tool("add", {"a": 5, "b": 3}),
            await client.call_tool("add", {"a": 0.1, "b": 0.2}),
            await client.call_tool("multiply", {"a": 2**60, "b": 3}),
            await client.call_tool("uppercase", {"text": "straße, señor"}),
            await client.call_tool("count_words", {"text": "¿qué tal, mundo?"}),
        ]
    assert [text(answer) for answer in answers] == ["8", "0.3", str(3 * 2**60), "STRASSE, SEÑOR", "3"]
    assert [answer.structured_content for answer in answers] == [
        {"result": value} for value in (8, 0.3, 3 * 2**60, "STRASSE, SEÑOR", 3)
    ]


async def test_it_can_read_what_is_wrong(way: tuple[Connect, str]):
    connect, _ = way
    async with connect() as client:
        wrong = await client.call_tool("add", {"a": "five", "b": 3})
        assert wrong.is_error
        assert "a: Input should be a number" in text(wrong)
        failed = await client.call_tool("multiply", {"a": 1e200, "b": 1e200})
        assert failed.is_error
        with pytest.raises(MCPError) as error:
            await client.call_tool("subtract", {"a": 1, "b": 2})
        assert error.value.error.code == INVALID_PARAMS
        assert text(await client.call_tool("add", {"a": 1, "b": 1})) == "2"


async def test_it_may_call_many_at_once(way: tuple[Connect, str]):
    connect, _ = way
    async with connect() as client:
        answers = await asyncio.gather(*(client.call_tool("multiply", {"a": i, "b": i}) for i in range(100)))
    assert [text(answer) for answer in answers] == [str(i * i) for i in range(100)]


async def test_many_clients_at_once(toolbox: str):
    async def one(i: int) -> str:
        mode = ("auto", "legacy")[i % 2]
        async with Client(f"{toolbox}/mcp", mode=mode) as client:
            return text(await client.call_tool("add", {"a": i, "b": 1}))

    assert await asyncio.gather(*(one(i) for i in range(20))) == [str(i + 1) for i in range(20)]


async def test_a_child_over_stdio_is_gone_when_its_client_is(tmp_path: Path):
    noted = tmp_path / "pid"
    script = f"echo $$ > {noted}; exec {sys.executable} -m mcp_toolbox --stdio"
    async with Client(StdioServerParameters(command="sh", args=["-c", script])) as client:
        await client.list_tools()
        pid = int(noted.read_text())
        os.kill(pid, 0)  # it lives
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_key_travels_as_a_bearer_token():
    async with serve(AUTH_MODE="keys", API_KEYS="secret-key") as url:
        headers = {"authorization": "Bearer secret-key"}
        for mode in ("auto", "legacy"):
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
            ):
                assert text(await client.call_tool("add", {"a": 5, "b": 3})) == "8"
        async with Client(sse_client(f"{url}/sse", headers=headers), mode="legacy") as client:
            assert text(await client.call_tool("add", {"a": 5, "b": 3})) == "8"


async def test_without_a_key_it_is_refused():
    async with serve(AUTH_MODE="keys", API_KEYS="secret-key") as url:
        with pytest.raises(Exception) as error:
            async with asyncio.timeout(10), Client(f"{url}/mcp", mode="legacy"):
                pass
        assert not isinstance(error.value, TimeoutError)


async def test_behind_a_prefix():
    async with serve(ROOT_PATH="/api/tools") as url:
        for client in (
            Client(f"{url}/api/tools/mcp"),
            Client(f"{url}/api/tools/mcp/", mode="legacy"),
            Client(sse_client(f"{url}/api/tools/sse"), mode="legacy"),
        ):
            async with client as connected:
                assert text(await connected.call_tool("add", {"a": 5, "b": 3})) == "8"


def text(result: Any) -> str:
    return result.content[0].text
