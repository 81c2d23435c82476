"""The tools as plain JSON over HTTP, for clients that do not speak MCP."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from pydantic_core import from_json, to_json
from service_kit.auth.principal import principal_in
from service_kit.edge.departure import cancelled_on_departure
from service_kit.errors import ApiError
from service_kit.ids import current_traceparent
from starlette.responses import Response

from mcp_toolbox.approvals.approvals import Approvals
from mcp_toolbox.calls.request import USER_HEADER, user_of
from mcp_toolbox.errors import InvalidArgumentsError, RateLimitedError, ToolNotAllowedError, UnknownToolError
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server import schemas

_ASK_OVER_MCP = (
    "This tool is marked as destructive: a person has to approve each call, and plain REST has no way to ask. "
    "Call it over MCP, with a client that supports elicitation."
)


def add_rest_routes(app: FastAPI, registry: ToolRegistry, approvals: Approvals) -> None:
    """Adds `GET` and `POST /mcp/tools/list`, and `POST /mcp/tools/call`, which refuses tools that need an approval.

    The routes read the raw request, because the registry checks arguments itself; their schemas are declared by hand.
    """

    async def list_tools(request: Request) -> Response:
        return _json({"tools": [tool.to_wire() for tool in registry.offered_to(principal_in(request.scope).id)]})

    async def call_tool(request: Request) -> Response:
        name, arguments = _parsed(await request.body())
        context = _context(request)
        tool = registry.get(name)
        if tool is not None and registry.is_offered_to(context.principal, tool) and approvals.needed(tool):
            registry.refused(name, arguments, context)
            raise ApiError(403, "approval_required", _ASK_OVER_MCP, param="name")
        try:
            with cancelled_on_departure(request.scope):
                result = await registry.call(name, arguments, context)
        except UnknownToolError as error:
            raise ApiError(404, "tool_not_found", str(error), param="name") from None
        except InvalidArgumentsError as error:
            raise ApiError(422, "invalid_arguments", str(error), param=error.field or "arguments") from None
        except ToolNotAllowedError as error:
            raise ApiError(403, "tool_not_allowed", str(error), param="name") from None
        except RateLimitedError as error:
            raise ApiError(429, "tool_rate_limited", str(error), param="name", retry_after=error.wait) from None
        return _json(result.to_wire())

    for method in ("GET", "POST"):
        app.add_api_route(
            "/mcp/tools/list", list_tools, methods=[method], operation_id=f"list_tools_{method.lower()}", **schemas.LIST
        )
    described = schemas.call(registry)
    app.add_api_route("/mcp/tools/call", call_tool, methods=["POST"], operation_id="call_tool", **described)


def _context(request: Request) -> CallContext:
    return CallContext(
        principal_in(request.scope).id,
        request.scope["state"]["request_id"],
        current_traceparent.get(),
        transport="rest",
        user=user_of(request.headers.get(USER_HEADER)),
    )


def _parsed(body: bytes) -> tuple[str, dict[str, Any]]:
    """Returns the name of the tool and its arguments.

    Raises:
        ApiError: 400 `invalid_json`; 422 `invalid_request`, which names the wrong field.
    """
    try:
        request = from_json(body)  # the same parser as for MCP, so that both read the same numbers
    except ValueError:
        raise ApiError(400, "invalid_json", "The body is not valid JSON.") from None
    if not isinstance(request, dict):
        raise ApiError(422, "invalid_request", "The body must be a JSON object with 'name' and 'arguments'.")
    name, arguments = request.get("name"), request.get("arguments")
    if not isinstance(name, str) or not name:
        raise ApiError(422, "invalid_request", "name: the name of a tool is required.", param="name")
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise ApiError(422, "invalid_request", "arguments: must be a JSON object.", param="arguments")
    return name, arguments


def _json(value: Any) -> Response:
    return Response(to_json(value, inf_nan_mode="null"), media_type="application/json")
