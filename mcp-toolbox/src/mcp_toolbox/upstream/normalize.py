"""Normalization of a server's list of tools: invalid tools are left out, where the SDK would refuse the whole list."""

from __future__ import annotations

from typing import Any

from mcp.types import JSONRPCResponse
from mcp_types.methods import validate_server_result
from pydantic import ValidationError

from mcp_toolbox.upstream.sanitize import cleaned, shortened

_STRICTEST = "2025-11-25"
"""The revision that allows least in a tool's schemas."""


def normalized(message: Any) -> list[str]:
    """Removes invalid tools from a JSON-RPC message in place, if it is a list of tools. Returns a sentence for each
    problem."""
    if not isinstance(message, JSONRPCResponse) or not isinstance(message.result.get("tools"), list):
        return []
    problems: list[str] = []
    message.result["tools"] = [tool for tool in message.result["tools"] if _usable(tool, problems)]
    return problems


def _usable(tool: Any, problems: list[str]) -> bool:
    name = tool.get("name") if isinstance(tool, dict) else None
    shown = shortened(cleaned(name)[0], 64) if isinstance(name, str) else "a tool without a name"
    schema = tool.get("inputSchema") if isinstance(tool, dict) else None
    if not isinstance(schema, dict) or schema.get("type") != "object":
        problems.append(f"{shown}: left out, its input schema is not one of an object")
        return False
    output = tool.get("outputSchema")
    if output is not None and (not isinstance(output, dict) or output.get("type") != "object"):
        problems.append(f"{shown}: its output schema is not one of an object and is not passed on")
        del tool["outputSchema"]
    if _is_valid(tool):
        return True
    if output is not None and _is_valid({key: value for key, value in tool.items() if key != "outputSchema"}):
        problems.append(f"{shown}: its output schema is written in another way than MCP's and is not passed on")
        del tool["outputSchema"]
        return True
    problems.append(f"{shown}: left out, it is described in another way than MCP's")
    return False


def _is_valid(tool: dict[str, Any]) -> bool:
    try:
        validate_server_result("tools/list", _STRICTEST, {"tools": [tool]})
    except ValidationError:
        return False
    return True
