"""The toolbox as an MCP server, independent of any transport.

It uses the SDK's low-level server, because the registry already checks arguments and knows its schemas; the high-level
server would derive both again from functions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from mcp.server import NotificationOptions, Server
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.models import InitializationOptions
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    EmptyResult,
    NotificationParams,
    PaginatedRequestParams,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    UnsubscribeRequestParams,
)

from mcp_toolbox.approvals.approvals import Approvals, rounds_of
from mcp_toolbox.approvals.destructive import Destructive
from mcp_toolbox.calls.request import context_of, principal_id
from mcp_toolbox.errors import (
    InputRequiredError,
    InvalidArgumentsError,
    RateLimitedError,
    ToolNotAllowedError,
    UnknownToolError,
)
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.origin import LISTED_BY, THROUGH
from mcp_toolbox.registry.prompts import Prompts
from mcp_toolbox.registry.resources import Resources
from mcp_toolbox.registry.tool import Tool, ToolResult
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.changes import Changes
from mcp_toolbox.server.error_masking import mask_errors
from mcp_toolbox.server.pagination import PAGE_SIZE, page_of
from mcp_toolbox.server.resources_and_prompts import serve_prompts, serve_resources
from mcp_toolbox.server.results import complete
from mcp_toolbox.server.self_description import prompts_of, resources_of

NAME = "mcp-toolbox"
INSTRUCTIONS = (
    "Tools of this server and of the servers behind it; a name with two underscores, server__tool, is another's. "
    "Results are exact: use them as they are. A destructive tool asks a person before it runs."
)

_CHANGED = "The tool changed while its approval was asked for, and has not run: list the tools and call again."

_STALE_AT_ONCE: dict[CacheableMethod, CacheHint] = dict.fromkeys(get_args(CacheableMethod), CacheHint())
"""No list or resource may be cached, because each may change at any time; clients can listen for changes."""


class ToolboxServer(Server[Any]):
    """The SDK's server, which declares on every transport that its lists may change. It has what it offers beside
    tools, and the changes of all lists."""

    resources: Resources
    prompts: Prompts
    changes: Changes

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        every = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        return super().create_initialization_options(
            notification_options or every, experimental_capabilities, extensions
        )


def create_server(
    registry: ToolRegistry,
    *,
    version: str,
    approvals: Approvals | None = None,
    resources: Resources | None = None,
    prompts: Prompts | None = None,
    page_size: int = PAGE_SIZE,
) -> ToolboxServer:
    """Returns an MCP server over `registry`, for every revision that the SDK supports.

    Without `resources` or `prompts` it offers those that describe the registry itself. `page_size` is in entries.
    """
    approvals = approvals or Approvals(Destructive())
    resources = Resources(resources_of(registry)) if resources is None else resources
    prompts = Prompts(prompts_of(registry)) if prompts is None else prompts

    def input_schema(name: str) -> dict[str, Any] | None:
        tool = registry.get(name)
        return tool.input_schema if tool else None

    server = ToolboxServer(
        NAME,
        version=version,
        title="MCP toolbox",
        instructions=INSTRUCTIONS,
        cache_hints=_STALE_AT_ONCE,
        get_tool_input_schema=input_schema,
    )
    server.middleware += [mask_errors, approvals.boundary(NAME)]
    _serve_tools(server, registry, approvals, page_size)
    serve_resources(server, resources, registry.is_allowed, page_size)
    serve_prompts(server, prompts, resources, registry.is_allowed, page_size)
    server.resources, server.prompts = resources, prompts
    server.changes = Changes(registry, resources, prompts)
    _serve_changes(server, server.changes)
    return server


def _serve_tools(server: Server[Any], registry: ToolRegistry, approvals: Approvals, page_size: int) -> None:
    async def list_tools(request: ServerRequestContext[Any], params: PaginatedRequestParams) -> HandlerResult:
        other = (request.meta or {}).get(LISTED_BY)
        offered = registry.offered_to(principal_id(request))
        tools = offered if other is None else (tool for tool in offered if other not in tool.through)

        def to_wire(tool: Tool) -> dict[str, Any]:
            entry = tool.to_wire()
            return entry if other is None else {**entry, "_meta": {THROUGH: [*tool.through, registry.id]}}

        page = page_of(tools, params.cursor, key=lambda tool: tool.name, to_wire=to_wire, size=page_size)
        return page.answer("tools")

    async def call_tool(request: ServerRequestContext[Any], params: CallToolRequestParams) -> HandlerResult:
        context = context_of(request)
        tool = registry.get(params.name)
        if tool is not None and context.rounds is not None:
            context = replace(context, rounds=rounds_of(params, tool))
        try:
            allowed = tool is not None and registry.is_offered_to(context.principal, tool)
            if tool is not None and allowed and approvals.needed(tool) and _fit(tool, params):
                settled = await approvals.settle(request, tool, params)
                if isinstance(settled, ToolResult):
                    registry.refused(params.name, params.arguments or {}, context)
                    return complete(settled.to_wire())
                if settled is not None:
                    return settled
                now = registry.get(params.name)
                if now is None or now.to_wire() != tool.to_wire():
                    return complete(ToolResult.of(_CHANGED, is_error=True).to_wire())
            result = await _call(registry, params, context)
            return complete(_for_clients(tool, result).to_wire())
        except InputRequiredError as required:
            assert tool is not None  # it has run
            return approvals.asked(tool, required)
        except (InvalidArgumentsError, RateLimitedError) as error:
            return complete(ToolResult.of(str(error), is_error=True).to_wire())

    server.add_request_handler("tools/list", PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", CallToolRequestParams, call_tool)


def _fit(tool: Tool, params: CallToolRequestParams) -> bool:
    """Returns whether the arguments are valid, so that no person is asked about a call that cannot run."""
    try:
        tool.check(params.arguments or {})
    except InvalidArgumentsError:
        return False
    return True


def _for_clients(tool: Tool | None, result: ToolResult) -> ToolResult:
    """Returns a result that the official clients pass on. They refuse one without the structured content that the tool
    promises, and lose what it says, unless it is marked as an error."""
    if tool is None or tool.output_schema is None or result.structured is not None:
        return result
    return replace(result, is_error=True)


async def _call(registry: ToolRegistry, params: CallToolRequestParams, context: CallContext) -> ToolResult:
    """Calls a tool. One that is unknown, or not for this caller, is a protocol error; wrong arguments are a result, so
    that the model can read what is wrong and try again (MCP 2025-11-25, Tools, Error Handling)."""
    try:
        return await registry.call(params.name, params.arguments or {}, context)
    except (UnknownToolError, ToolNotAllowedError) as error:
        raise MCPError(code=INVALID_PARAMS, message=str(error)) from None


def _serve_changes(server: Server[Any], changes: Changes) -> None:
    async def joined(request: ServerRequestContext[Any], params: NotificationParams) -> None:
        changes.join(request)

    async def subscribe(request: ServerRequestContext[Any], params: SubscribeRequestParams) -> HandlerResult:
        changes.subscribe(request, params.uri)
        return EmptyResult()

    async def unsubscribe(request: ServerRequestContext[Any], params: UnsubscribeRequestParams) -> HandlerResult:
        changes.unsubscribe(request, params.uri)
        return EmptyResult()

    server.add_notification_handler("notifications/initialized", NotificationParams, joined)
    server.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)
    server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, changes.listen)
