"""The tools that a key may use: in lists, in searches, and in calls, whichever way they come in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_toolbox.calls.access import ToolAccess
from mcp_toolbox.registry.tool import Hints, from_function
from mcp_toolbox.settings import ToolboxSettings
from service_kit.auth.keys import principal_of
from service_kit.settings import SettingsError, load

KEYS = {"AUTH_MODE": "keys", "API_KEYS": "key-one,key-two"}
ONE = principal_of("key-one")


def erase() -> str:
    """Erase everything there is."""
    return "erased"


ERASE = from_function(erase, Hints(destructive=True))


@asynccontextmanager
async def mcp_client(url: str, key: str, way: str) -> AsyncIterator[Client]:
    headers = {"x-api-key": key}
    if way == "sse":
        async with Client(sse_client(f"{url}/sse", headers=headers), mode="legacy") as client:
            yield client
        return
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(
            streamable_http_client(f"{url}/mcp", http_client=http), mode="legacy" if way == "session" else "auto"
        ) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("lists", "principal", "allowed"),
    [
        ("", "a", {"add", "fs__read", "fs__write"}),
        ("a=add", "a", {"add"}),
        ("a=add", "b", {"add", "fs__read", "fs__write"}),
        ("a=fs__*|add", "a", {"add", "fs__read", "fs__write"}),
        ("a=fs__r*", "a", {"fs__read"}),
        ("*=add", "b", {"add"}),
        ("a=fs__*, *=add", "a", {"fs__read", "fs__write"}),
        ("a=nothing", "a", set()),
    ],
)
def test_lists(lists: str, principal: str, allowed: set[str]):
    access = ToolAccess(load(ToolboxSettings, {"TOOL_ACCESS": lists}).tool_access)
    assert {tool for tool in ("add", "fs__read", "fs__write") if access.allows(principal, tool)} == allowed


@pytest.mark.parametrize("wrong", ["a", "a=", "=add", "a=add,a=multiply", "a=|"])
def test_a_list_that_means_nothing_stops_the_start(wrong: str):
    with pytest.raises(SettingsError, match="TOOL_ACCESS"):
        load(ToolboxSettings, {"TOOL_ACCESS": wrong})


@pytest.mark.parametrize("way", ["modern", "session", "sse"])
async def test_over_mcp_a_key_sees_and_calls_its_own_tools_alone(serve_toolbox: Any, way: str):
    async with serve_toolbox(ERASE, TOOL_ACCESS=f"{ONE}=add|count_*", **KEYS) as url:
        async with mcp_client(url, "key-two", way) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} > {"multiply", "erase"}
        async with mcp_client(url, "key-one", way) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == {"add", "count_words"}
            assert (await client.call_tool("add", {"a": 5, "b": 3})).structured_content == {"result": 8}
            for name in ("multiply", "erase"):  # one that asks a person is not even asked about
                with pytest.raises(MCPError, match=f"may not use the tool {name}"):
                    await client.call_tool(name, {"a": 5, "b": 3})
            everything = json.loads((await client.read_resource("toolbox://catalogue")).contents[0].text)  # pyright: ignore[reportAttributeAccessIssue]
            assert {tool["name"] for tool in everything["tools"]} == {"add", "count_words"}
            with pytest.raises(MCPError, match="not found"):
                await client.read_resource("toolbox://tools/multiply")
            prompt = await client.get_prompt("use_tools", {"task": "x"})
            assert "multiply" not in str(prompt.messages)
            explained = await client.get_prompt("explain_tool", {"name": "multiply"})
            assert "There is no tool" in str(explained.messages)


async def test_over_rest_and_in_the_catalog(serve_toolbox: Any):
    async with (
        serve_toolbox(ERASE, TOOL_ACCESS=f"{ONE}=add", **KEYS) as url,
        httpx.AsyncClient(base_url=url, headers={"x-api-key": "key-one"}) as http,
    ):
        assert [tool["name"] for tool in (await http.get("/mcp/tools/list")).json()["tools"]] == ["add"]
        found = (await http.post("/mcp/tools/search", json={"query": "multiply numbers"})).json()["tools"]
        assert [tool["name"] for tool in found] == ["add"]
        (server,) = (await http.get("/mcp/catalogue")).json()["servers"]
        assert [tool["name"] for tool in server["tools"]] == ["add"]
        for name in ("multiply", "erase"):
            refused = await http.post("/mcp/tools/call", json={"name": name, "arguments": {"a": 5, "b": 3}})
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "tool_not_allowed")
        answer = await http.post("/mcp/tools/call", json={"name": "add", "arguments": {"a": 5, "b": 3}})
        assert answer.json()["structuredContent"] == {"result": 8}
