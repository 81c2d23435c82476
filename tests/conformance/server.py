"""The fixture server: the toolbox as it is served, with the tools, resources and prompts that the suite looks for.

What those need of a client beyond the toolbox's own tools (sampling, roots, forms of their own) is added here to the
server's handlers; transports, sessions, lists, pages, subscriptions, errors and the border are the toolbox's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcp.server.context import HandlerResult
from mcp.types import CallToolRequestParams, EmptyResult, GetPromptRequestParams, SetLevelRequestParams
from mcp_toolbox.app import VERSION, approvals_of, mounted
from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.prompts import Prompt, Prompts, said_by_user
from mcp_toolbox.registry.resources import Resources
from mcp_toolbox.registry.tool import Tool, ToolResult
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.results import complete
from mcp_toolbox.server.server import ToolboxServer, create_server
from mcp_toolbox.settings import ToolboxSettings
from service_kit.service import Service

from tests.conformance.conversations import TALKING, Conversation, Request
from tests.conformance.registries import fixture_prompts, fixture_resources
from tests.conformance.rounds import ASKING, ASKING_PROMPT
from tests.conformance.rounds import prompt as asking_prompt
from tests.conformance.tools import NOTHING, fixture_tool, fixture_tools


def create_fixture_app(settings: ToolboxSettings) -> Service:
    """The fixture server as a web service."""
    registry = ToolRegistry(fixture_tools())
    prompts = Prompts(fixture_prompts())
    registry.replace("conversations", _conversations())
    registry.replace("changes", _changes(registry, prompts))
    prompts.replace("asking", [Prompt(ASKING_PROMPT, "Asks for its context.", lambda given, context: [])])
    approvals = approvals_of(settings)
    server = create_server(
        registry, version=VERSION, approvals=approvals, resources=Resources(fixture_resources()), prompts=prompts
    )
    _converse(server)
    return mounted(settings, registry, server, approvals)


def _conversations() -> Iterable[Tool]:
    for name, (_, texts) in TALKING.items():
        schema = {"type": "object", "properties": texts, "required": list(texts)} if texts else NOTHING
        yield fixture_tool(name, "Speaks with its client.", _only_over_mcp, schema)
    for name in ASKING:
        yield fixture_tool(name, "Answers with questions.", _only_over_mcp)


def _only_over_mcp(arguments: dict[str, Any], context: CallContext) -> ToolResult:
    raise ToolFailedError("This tool speaks with its client, which only MCP can")


def _changes(registry: ToolRegistry, prompts: Prompts) -> list[Tool]:
    """Tools that change what is listed, so that who listens is told."""

    def change_tools(arguments: dict[str, Any], context: CallContext) -> ToolResult:
        there = registry.get("test_passing") is not None
        registry.replace("passing", [] if there else [fixture_tool("test_passing", "Comes and goes.", _only_over_mcp)])
        return ToolResult.of("The list of tools has changed.")

    def change_prompts(arguments: dict[str, Any], context: CallContext) -> ToolResult:
        passing = Prompt("test_passing", "Comes and goes.", lambda given, context: [said_by_user("Hello.")])
        prompts.replace("passing", [] if prompts.get(passing.name) else [passing])
        return ToolResult.of("The list of prompts has changed.")

    return [
        fixture_tool("test_trigger_tool_change", "Changes the list of tools.", change_tools),
        fixture_tool("test_trigger_prompt_change", "Changes the list of prompts.", change_prompts),
    ]


def _converse(server: ToolboxServer) -> None:
    call_tool, get_prompt = server.get_request_handler("tools/call"), server.get_request_handler("prompts/get")
    assert call_tool is not None
    assert get_prompt is not None
    conversations: dict[str, Conversation] = {**{name: each for name, (each, _) in TALKING.items()}, **ASKING}

    async def called(request: Request, params: CallToolRequestParams) -> HandlerResult:
        if params.name not in conversations:
            return await call_tool.handler(request, params)
        answer = await conversations[params.name](request, params)
        return complete(answer.to_wire()) if isinstance(answer, ToolResult) else answer

    async def got(request: Request, params: GetPromptRequestParams) -> HandlerResult:
        if params.name != ASKING_PROMPT:
            return await get_prompt.handler(request, params)
        answer = await asking_prompt(request, params)
        return complete(answer) if isinstance(answer, dict) else answer

    async def set_level(request: Request, params: SetLevelRequestParams) -> HandlerResult:
        return EmptyResult()

    server.add_request_handler("tools/call", CallToolRequestParams, called)
    server.add_request_handler("prompts/get", GetPromptRequestParams, got)
    server.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)
