"""Resources and prompts over MCP, and the completion of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import isawaitable
from typing import Any

from mcp.server import Server
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CompleteRequestParams,
    GetPromptRequestParams,
    PaginatedRequestParams,
    PromptReference,
    ReadResourceRequestParams,
    ResourceTemplateReference,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_toolbox.calls.request import context_of, principal_id
from mcp_toolbox.errors import InvalidArgumentsError, ToolFailedError, printable
from mcp_toolbox.registry.context import Suggest
from mcp_toolbox.registry.prompts import Prompts
from mcp_toolbox.registry.resources import Resource, Resources
from mcp_toolbox.server.pagination import page_of
from mcp_toolbox.server.results import complete

_Request = ServerRequestContext[Any]
_NOT_FOUND = -32002
"""The handshake revisions' error code for a resource that does not exist; 2026-07-28 has retired it."""

_MOST_COMPLETIONS = 100

IsAllowed = Callable[[str, str], bool]
"""Whether the caller with that id may use what has that name (`ToolRegistry.is_allowed`)."""


def serve_resources(server: Server[Any], resources: Resources, is_allowed: IsAllowed, page_size: int) -> None:
    """Adds the handlers of `resources/list`, `resources/templates/list` and `resources/read`. A caller sees, and reads,
    what it is allowed to use."""

    def listed(request: _Request, of: Iterable[Resource], cursor: str | None, field: str) -> HandlerResult:
        caller = principal_id(request)
        offered = (each for each in of if is_allowed(caller, each.access))
        page = page_of(offered, cursor, key=lambda each: each.uri, to_wire=lambda each: each.to_wire(), size=page_size)
        return page.answer(field)

    async def list_plain(request: _Request, params: PaginatedRequestParams) -> HandlerResult:
        return listed(request, resources.plain, params.cursor, "resources")

    async def list_templates(request: _Request, params: PaginatedRequestParams) -> HandlerResult:
        return listed(request, resources.templates, params.cursor, "resourceTemplates")

    async def read(request: _Request, params: ReadResourceRequestParams) -> HandlerResult:
        context = context_of(request)
        try:
            contents = await resources.read(
                params.uri, context, lambda each: is_allowed(context.principal, each.access)
            )
        except ToolFailedError as error:
            raise MCPError(code=INTERNAL_ERROR, message=str(error)) from None
        if contents is None:
            code = INVALID_PARAMS if request.protocol_version in MODERN_PROTOCOL_VERSIONS else _NOT_FOUND
            uri = printable(params.uri)
            raise MCPError(code=code, message=f"Resource not found: {uri}", data={"uri": uri})
        return complete({"contents": contents})

    server.add_request_handler("resources/list", PaginatedRequestParams, list_plain)
    server.add_request_handler("resources/templates/list", PaginatedRequestParams, list_templates)
    server.add_request_handler("resources/read", ReadResourceRequestParams, read)


def serve_prompts(
    server: Server[Any], prompts: Prompts, resources: Resources, is_allowed: IsAllowed, page_size: int
) -> None:
    """Adds the handlers of `prompts/list`, `prompts/get` and `completion/complete`. A caller sees, and uses, what it is
    allowed to."""

    async def list_prompts(request: _Request, params: PaginatedRequestParams) -> HandlerResult:
        caller = principal_id(request)
        offered = (each for each in prompts if is_allowed(caller, each.access))
        page = page_of(
            offered, params.cursor, key=lambda each: each.name, to_wire=lambda each: each.to_wire(), size=page_size
        )
        return page.answer("prompts")

    async def get(request: _Request, params: GetPromptRequestParams) -> HandlerResult:
        prompt = prompts.get(params.name)
        if prompt is None or not is_allowed(principal_id(request), prompt.access):
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown prompt: {printable(params.name)}")
        try:
            return complete(await prompt.filled_in(params.arguments or {}, context_of(request)))
        except InvalidArgumentsError as error:
            raise MCPError(code=INVALID_PARAMS, message=str(error)) from None
        except ToolFailedError as error:
            raise MCPError(code=INTERNAL_ERROR, message=str(error)) from None

    async def suggestions(request: _Request, params: CompleteRequestParams) -> HandlerResult:
        context = context_of(request)
        completed = _completed(params.ref, prompts, resources, lambda access: is_allowed(context.principal, access))
        suggest = completed.get(params.argument.name)
        suggested = suggest(params.argument.value, context) if suggest else []
        try:
            values = list(await suggested if isawaitable(suggested) else suggested)
        except ToolFailedError as error:
            raise MCPError(code=INTERNAL_ERROR, message=str(error)) from None
        shown = values[:_MOST_COMPLETIONS]
        found = {"values": shown, "total": len(values), "hasMore": len(values) > len(shown)}
        return complete({"completion": found})

    server.add_request_handler("prompts/list", PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", GetPromptRequestParams, get)
    server.add_request_handler("completion/complete", CompleteRequestParams, suggestions)


def _completed(
    ref: PromptReference | ResourceTemplateReference,
    prompts: Prompts,
    resources: Resources,
    allows: Callable[[str], bool],
) -> Mapping[str, Suggest]:
    """Returns the functions that complete the arguments of a prompt or a template, by their names.

    Raises:
        MCPError: there is no such prompt or template, or it is not for this caller.
    """
    if isinstance(ref, ResourceTemplateReference):
        template = resources.get(ref.uri)
        if template is None or not allows(template.access):
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown resource template: {printable(ref.uri)}")
        return template.complete
    prompt = prompts.get(ref.name)
    if prompt is None or not allows(prompt.access):
        raise MCPError(code=INVALID_PARAMS, message=f"Unknown prompt: {printable(ref.name)}")
    return {argument.name: argument.complete for argument in prompt.arguments if argument.complete is not None}
