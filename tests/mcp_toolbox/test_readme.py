"""The examples of the README work."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mcp_toolbox.registry.tool import from_function
from mcp_toolbox.registry.tools import ToolRegistry

README = (Path(__file__).parents[2] / "mcp-toolbox" / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


async def test_the_example_of_a_tool_is_a_tool():
    [source] = blocks("python")
    module: dict[str, object] = {}
    exec(source, module)
    tool = from_function(module["reverse"], module["HINTS"])  # type: ignore[arg-type]
    assert (await ToolRegistry([tool]).call("reverse", {"text": "abc"})).text == "cba"


def test_the_client_configuration_is_json():
    [config] = map(json.loads, blocks("json"))
    assert config["mcpServers"]["toolbox"]["args"] == ["-m", "mcp_toolbox", "--stdio"]


def test_every_built_in_tool_is_named(registry: ToolRegistry):
    assert all(f"`{tool.name}`" in README for tool in registry)
