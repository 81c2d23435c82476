from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.search.search import NAME, ToolSearch
from service_kit.auth.principal import ANONYMOUS

from tests.mcp_toolbox.search.many_tools import many_tools


def names(registry: ToolRegistry) -> set[str]:
    return {tool.name for tool in registry}


async def test_the_tool_is_there_only_while_there_are_many(registry: ToolRegistry):
    ToolSearch(registry, threshold=30)
    assert NAME not in names(registry)
    registry.replace("more", many_tools()[:26])
    assert len(registry) == 30
    assert NAME not in names(registry)
    registry.replace("more", many_tools()[:27])
    assert NAME in names(registry)
    assert len(registry) == 32
    registry.replace("more", many_tools()[:26])
    assert NAME not in names(registry)


async def test_it_finds_what_is_there_now(registry: ToolRegistry):
    search = ToolSearch(registry, threshold=3)
    assert search.search("borra un archivo", ANONYMOUS) == []
    registry.replace("more", many_tools())
    assert search.search("borra un archivo", ANONYMOUS)[0].tool.name == "files__delete_file"
    registry.replace("more", [])
    assert search.search("borra un archivo", ANONYMOUS) == []
    assert search.search("search tools", ANONYMOUS) == []  # not itself


async def test_what_it_answers_is_enough_to_call(registry: ToolRegistry):
    ToolSearch(registry, threshold=3)
    result = await registry.call(NAME, {"query": "suma dos números", "limit": 1})
    (tool,) = json.loads(result.text)
    assert tool == {
        "name": "add",
        "description": registry.get("add").description,  # pyright: ignore[reportOptionalMemberAccess]
        "inputSchema": registry.get("add").input_schema,  # pyright: ignore[reportOptionalMemberAccess]
    }
    assert result.structured == {"result": [tool]}


@pytest.mark.parametrize(
    "arguments",
    [{}, {"query": ""}, {"query": 5}, {"query": "x" * 2001}, {"query": "x", "limit": 0}, {"query": "x", "limit": 51}],
)
async def test_its_arguments_are_checked(registry: ToolRegistry, arguments: dict[str, Any]):
    ToolSearch(registry, threshold=3)
    with pytest.raises(InvalidArgumentsError):
        await registry.call(NAME, arguments)


async def test_over_rest(http: httpx.AsyncClient):
    response = await http.post("/mcp/tools/search", json={"query": "suma dos números", "limit": 2})
    assert response.status_code == 200
    tools = response.json()["tools"]
    assert tools[0]["name"] == "add"
    assert tools[0]["inputSchema"]["required"] == ["a", "b"]
    assert tools[0]["score"] > tools[1]["score"] > 0
    assert (await http.post("/mcp/tools/search", json={"query": "xylophone"})).json() == {"tools": []}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("{}", "query"),
        ('{"query":5}', "query"),
        ('{"query":""}', "query"),
        ('{"query":"a","limit":0}', "limit"),
        ('{"query":"a","x":1}', "x"),
    ],
)
async def test_a_wrong_search_names_the_field(http: httpx.AsyncClient, body: str, param: str):
    response = await http.post("/mcp/tools/search", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]["param"]) == (422, param)


async def test_malformed_bodies(http: httpx.AsyncClient):
    for body in (b"", b"{", b"[]", b"5", b'{"query":"\xff"}', b'{"query":"\\ud800"}'):
        response = await http.post("/mcp/tools/search", content=body, headers={"content-type": "application/json"})
        assert 400 <= response.status_code < 500, (body, response.text)
        assert response.json()["error"]["message"]


async def test_over_mcp_with_many_tools(serve_toolbox: Any):
    async with serve_toolbox(*many_tools()) as url, Client(f"{url}/mcp") as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert NAME in listed
        result = await client.call_tool(NAME, {"query": "remove that file", "limit": 3})
        assert "files__delete_file" in [tool["name"] for tool in result.structured_content["result"]]


async def test_the_threshold_is_a_variable(serve_toolbox: Any):
    async with serve_toolbox(TOOL_SEARCH_THRESHOLD="3") as url, httpx.AsyncClient(base_url=url) as http:
        assert NAME in [tool["name"] for tool in (await http.get("/mcp/tools/list")).json()["tools"]]
