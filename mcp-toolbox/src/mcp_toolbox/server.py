"""The catalogue as an MCP server, free of any transport.

Built on the SDK's low-level server, because our catalogue already checks arguments and knows its schemas: the
high-level one would derive both again from functions, and announce prompts and resources that we do not have.
"""

from __future__ import annotations

from typing import Any

from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
)

from mcp_toolbox.catalogue import Catalogue
from mcp_toolbox.errors import InvalidArgumentsError, UnknownToolError
from mcp_toolbox.tool import ToolResult

NAME = "mcp-toolbox"
INSTRUCTIONS = "Tools for exact arithmetic and for working with text. Results are exact: use them as they are."


def create_server(catalogue: Catalogue, *, version: str) -> Server[Any]:
    """An MCP server over `catalogue`, for every revision that the SDK speaks."""

    async def list_tools(context: ServerRequestContext[Any], params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[Tool.model_validate(tool.to_wire()) for tool in catalogue])

    async def call_tool(context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        return CallToolResult.model_validate((await _call(catalogue, params)).to_wire())

    def input_schema(name: str) -> dict[str, Any] | None:
        tool = catalogue.get(name)
        return tool.input_schema if tool else None

    return Server(
        NAME,
        version=version,
        title="MCP toolbox",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=input_schema,
    )


async def _call(catalogue: Catalogue, params: CallToolRequestParams) -> ToolResult:
    """An unknown tool is an error of the protocol; wrong arguments are a result, so that the model can read what
    is wrong and try again (MCP 2025-11-25, Tools, Error Handling)."""
    try:
        return await catalogue.call(params.name, params.arguments or {})
    except UnknownToolError as error:
        raise MCPError(code=INVALID_PARAMS, message=str(error)) from None
    except InvalidArgumentsError as error:
        return ToolResult.of(str(error), is_error=True)
