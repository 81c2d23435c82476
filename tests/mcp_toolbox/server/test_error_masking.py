"""Internal errors are masked, on every revision and over every transport."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INTERNAL_ERROR
from mcp_toolbox.registry.prompts import Prompt, Prompts
from mcp_toolbox.registry.resources import Resource, Resources
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.server import create_server


def fails(variables: Any, context: Any) -> Any:
    raise RuntimeError("the password is hunter2")


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_client_learns_nothing_of_it(
    registry: ToolRegistry, mode: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    server = create_server(
        registry,
        version="1",
        resources=Resources([Resource("note://one", "one", "One.", "text/plain", fails)]),
        prompts=Prompts([Prompt("one", "One.", fails)]),
    )
    async with Client(server, mode=mode) as client:
        for asked in (client.read_resource("note://one"), client.get_prompt("one")):
            with pytest.raises(MCPError) as error:
                await asked
            assert error.value.error.code == INTERNAL_ERROR
            assert error.value.error.message == "Internal error"
            assert error.value.error.data is None
        assert (await client.call_tool("add", {"a": 1, "b": 2})).structured_content == {"result": 3}
    assert "request crashed" in capsys.readouterr().out + caplog.text  # and we learn of it
