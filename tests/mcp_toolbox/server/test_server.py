from __future__ import annotations

from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.server import create_server

MODES = ["auto", "legacy", "2026-07-28"]


@pytest.fixture(params=MODES)
async def client(request: pytest.FixtureRequest, registry: ToolRegistry):
    def connect() -> Client:
        return Client(create_server(registry, version="1.2.3"), mode=request.param)

    return connect


async def test_it_says_who_it_is_and_what_it_offers(registry: ToolRegistry):
    async with Client(create_server(registry, version="1.2.3"), mode="legacy") as client:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("mcp-toolbox", "1.2.3")
        assert client.instructions
        capabilities = client.server_capabilities.model_dump(exclude_none=True)
        assert capabilities == {
            "tools": {"list_changed": True},
            "resources": {"subscribe": True, "list_changed": True},
            "prompts": {"list_changed": True},
            "completions": {},
        }


async def test_the_list_is_the_catalog(client: Any, registry: ToolRegistry):
    async with client() as connected:
        listed = (await connected.list_tools()).tools
    assert [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed] == [
        tool.to_wire() for tool in registry
    ]


async def test_a_call_answers_text_and_data(client: Any):
    async with client() as connected:
        result = await connected.call_tool("add", {"a": 0.1, "b": 0.2})
    assert result.content[0].text == "0.3"
    assert result.structured_content == {"result": 0.3}
    assert not result.is_error


async def test_wrong_arguments_are_a_result_that_a_model_can_read(client: Any):
    async with client() as connected:
        result = await connected.call_tool("add", {"a": 5})
        assert result.is_error
        assert "b: Field required" in result.content[0].text
        result = await connected.call_tool("uppercase", {})
        assert result.is_error
        assert "text: " in result.content[0].text


async def test_an_unknown_tool_is_an_error_of_the_protocol(client: Any):
    async with client() as connected:
        with pytest.raises(MCPError, match="Unknown tool: subtract") as error:
            await connected.call_tool("subtract", {})
    assert error.value.error.code == INVALID_PARAMS
