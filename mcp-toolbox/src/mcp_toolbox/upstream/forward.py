"""Forwarding of a call to the server that has the tool."""

from __future__ import annotations

from typing import Any

import anyio
from mcp import Client, MCPError, types
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from mcp_toolbox.calls.request import REQUEST_ID, USER
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import ToolResult
from mcp_toolbox.upstream.http import CONNECTION_LOST
from mcp_toolbox.upstream.sanitize import cleaned, shortened
from mcp_toolbox.upstream.schema_check import SchemaCheck
from mcp_toolbox.upstream.spec import Limits

_MAX_MESSAGE = 2_000

_Answer = types.CallToolResult | types.InputRequiredResult
_ANSWER: TypeAdapter[_Answer] = TypeAdapter(_Answer)

_DOUBTFUL = frozenset({CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST})
"""The error codes that may concern the connection rather than the call."""


_LOST = frozenset({"Connection closed", CONNECTION_LOST})
"""The messages with which a lost connection is reported here. Servers use the same error code for errors of their
own."""


class ConnectionLost(Exception):
    """The server left before it had answered."""


async def forward(
    client: Client,
    tool: str,
    arguments: dict[str, Any],
    context: CallContext,
    result: SchemaCheck | None,
    limits: Limits,
) -> tuple[ToolResult, bool]:
    """Calls `tool`, and returns its answer and whether the connection should be checked. Every mistake of the server
    becomes an answer that describes it.

    The request is sent below `Client.call_tool`, which would check the answer against the server's schema without
    limits, and would list the tools whenever it does not know one.

    Raises:
        ConnectionLost: the server left meanwhile, or the client was closed.
    """
    params = types.CallToolRequestParams(name=tool, arguments=arguments, _meta=_meta(context))
    try:
        answer = await client.session.send_request(
            types.CallToolRequest(params=params),
            _ANSWER,
            progress_callback=_progress(context),
        )
    except MCPError as error:
        if error.code == CONNECTION_CLOSED and error.message in _LOST:
            raise ConnectionLost from error
        return _failed(shortened(cleaned(error.message)[0], _MAX_MESSAGE)), error.code in _DOUBTFUL
    except (ValidationError, ValueError):
        return _failed("The server answered something that is not a result of MCP."), False
    except (anyio.ClosedResourceError, anyio.BrokenResourceError, RuntimeError) as error:
        raise ConnectionLost from error
    if isinstance(answer, types.InputRequiredResult):
        return _failed("The tool asks for input from a person or a model, which this toolbox does not pass on."), False
    return _checked(answer, result, limits), False


def _progress(context: CallContext) -> ProgressFnT | None:
    if context.report is None:
        return None

    async def passed_on(progress: float, total: float | None, message: str | None) -> None:
        await context.progress(progress, total, message)

    return passed_on


def _meta(context: CallContext) -> Any:
    """Returns what the server is told of the call: its trace by MCP's own name (SEP-414), the id that it has in our
    logs, and its end user."""
    told = {"traceparent": context.traceparent, REQUEST_ID: context.request_id, USER: context.user}
    return {name: value for name, value in told.items() if value} or None


def _checked(answer: types.CallToolResult, schema: SchemaCheck | None, limits: Limits) -> ToolResult:
    wire = answer.model_dump(by_alias=True, mode="json", exclude_none=True)
    size = len(to_json(wire))
    if size > limits.result_bytes:
        return _failed(
            f"The tool's result has {size} bytes; this toolbox passes on {limits.result_bytes}. Ask for less at a time."
        )
    structured = wire.get("structuredContent")
    failed = bool(answer.is_error)
    if schema is not None and not failed:
        if not isinstance(structured, dict):
            return _failed("The tool's result lacks the structured content that its output schema promises.")
        if problems := schema.problems(structured):
            path, message = problems[0]
            return _failed(f"The tool's result does not fit its own output schema: {path or 'result'}: {message}")
    content = tuple(wire["content"])
    return ToolResult(content, structured if isinstance(structured, dict) else None, failed)


def _failed(text: str) -> ToolResult:
    return ToolResult.of(text, is_error=True)
