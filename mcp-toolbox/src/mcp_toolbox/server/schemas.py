"""What `/openapi.json` says of the routes that read raw requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from service_kit.background import LoopStatus

from mcp_toolbox.registry.tool import Tool


class _Described(BaseModel):
    model_config = ConfigDict(populate_by_name=True)


class Annotations(_Described):
    """What a client may assume about a tool."""

    title: str | None = None
    read_only_hint: bool = Field(alias="readOnlyHint", description="It changes nothing.")
    destructive_hint: bool = Field(alias="destructiveHint", description="It may destroy something.")
    idempotent_hint: bool = Field(alias="idempotentHint", description="A second equal call changes nothing more.")
    open_world_hint: bool = Field(alias="openWorldHint", description="It reaches beyond the toolbox.")


class ListedTool(_Described):
    """A tool as a model sees it."""

    name: str
    title: str | None = None
    description: str
    input_schema: dict[str, Any] = Field(alias="inputSchema", description="JSON Schema of the arguments.")
    output_schema: dict[str, Any] | None = Field(
        None, alias="outputSchema", description="JSON Schema of `structuredContent`."
    )
    annotations: Annotations | None = None


class ToolList(_Described):
    """Every tool, in the order of their names."""

    tools: list[ListedTool]


class TextBlock(_Described):
    type: Literal["text"] = "text"
    text: str = Field(examples=["8"])


class CallResult(_Described):
    """What the tool answered; a tool's own failure is an answer too."""

    content: list[TextBlock] = Field(description="The result as text, for a model.")
    structured_content: dict[str, Any] | None = Field(
        None, alias="structuredContent", description="The same as data.", examples=[{"result": 8}]
    )
    is_error: bool = Field(alias="isError", description="The tool ran and failed; `content` says why.")


class ErrorDetail(_Described):
    message: str
    type: str
    code: str = Field(description="Stable identifier.")
    param: str | None = Field(description="The field that is wrong.")
    request_id: str


class Error(_Described):
    """The envelope of every error."""

    error: ErrorDetail


class ServerHealth(_Described):
    """How another server is."""

    status: Literal["connected", "connecting", "failed", "disabled"]
    transport: Literal["stdio", "http", "sse"]
    tools: int = Field(description="How many of its tools are offered.")
    since: str = Field(description="Since when it has had this status.", examples=["2026-11-21T17:00:00Z"])
    restarts: int = Field(description="How often it was connected again, or tried to.")
    error: str | None = Field(None, description="Why it is away.")
    changed_tools: list[str] | None = Field(None, description="Tools that look different from when first seen.")
    problems: list[str] | None = Field(None, description="What is wrong with its tools.")


class Health(_Described):
    """How the toolbox is, for people."""

    status: Literal["healthy", "degraded"]
    service: str = Field(examples=["mcp-toolbox"])
    tools_count: int = Field(description="How many tools `tools/list` lists.", examples=[4])
    protocol: str = Field(examples=["MCP over HTTP REST"])
    servers: dict[str, ServerHealth] = Field(description="Other MCP servers behind the toolbox, by name.")
    servers_file_error: str | None = Field(None, description="Why the servers' file, as it is now, is not in use.")
    background: list[LoopStatus] = Field(description="The loops beside the requests; one that fails is run again.")
    rates: Literal["this process"] | None = Field(
        None, description="Where TOOL_RATE_LIMITS are counted while Redis, which REDIS_URL names, is away."
    )
    version: str


def _errors(**described: str) -> dict[int | str, dict[str, Any]]:
    return {int(status[1:]): {"model": Error, "description": text} for status, text in described.items()}


LIST: dict[str, Any] = {
    "tags": ["REST"],
    "summary": "List the tools",
    "description": "The same tools as MCP's `tools/list`. A POST's body is ignored.",
    "responses": {200: {"model": ToolList, "description": "Every tool."}},
}


def call(tools: Iterable[Tool]) -> dict[str, Any]:
    """How `POST /mcp/tools/call` is described: one body for each tool."""
    body = {"oneOf": [_call_of(tool) for tool in tools]}
    return {
        "tags": ["REST"],
        "summary": "Call a tool",
        "responses": {
            200: {"model": CallResult, "description": "The tool's answer, or its failure (`isError`)."},
            **_errors(
                s400="The body is not JSON.",
                s403="The tool needs an approval, which is asked for over MCP alone (`approval_required`).",
                s404="No tool has this name.",
                s422="The arguments do not fit the tool's schema; `param` names the field.",
                s429="The tool is called too often (`tool_rate_limited`); `Retry-After` says how long to wait.",
            ),
        },
        "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}},
    }


def _call_of(tool: Tool) -> dict[str, Any]:
    return {
        "type": "object",
        "title": tool.name,
        "description": tool.description,
        "properties": {"name": {"type": "string", "const": tool.name}, "arguments": tool.input_schema},
        "required": ["name", "arguments"] if tool.input_schema.get("required") else ["name"],
    }


_MESSAGE = {
    "type": "object",
    "description": "A JSON-RPC 2.0 request, notification or response of the Model Context Protocol.",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer"]},
        "method": {"type": "string", "examples": ["tools/list", "tools/call"]},
        "params": {"type": "object"},
    },
    "required": ["jsonrpc"],
}
_STREAM = {"text/event-stream": {"schema": {"type": "string", "description": "JSON-RPC messages as events."}}}
_REFUSED = {"description": "Refused; the body is a JSON-RPC error."}
_SENDS = {"requestBody": {"required": True, "content": {"application/json": {"schema": _MESSAGE}}}}

MCP_POST: dict[str, Any] = {
    "tags": ["MCP"],
    "summary": "MCP over Streamable HTTP: send a message",
    "description": "Revision 2026-07-28 without sessions, 2025-11-25 and older with them (`Mcp-Session-Id`).",
    "responses": {
        200: {"description": "The answer.", "content": {"application/json": {"schema": _MESSAGE}, **_STREAM}},
        202: {"description": "A notification was taken."},
        400: _REFUSED,
        404: {"description": "No such session; the body is a JSON-RPC error."},
        406: _REFUSED,
    },
    "openapi_extra": _SENDS,
}
MCP_GET: dict[str, Any] = {
    "tags": ["MCP"],
    "summary": "MCP over Streamable HTTP: listen to the server",
    "description": "The stream of a session's messages that answer no request (revisions before 2026-07-28).",
    "responses": {200: {"description": "The stream.", "content": _STREAM}, 400: _REFUSED, 404: _REFUSED},
}
MCP_DELETE: dict[str, Any] = {
    "tags": ["MCP"],
    "summary": "MCP over Streamable HTTP: end a session",
    "responses": {200: {"description": "Ended."}, 400: _REFUSED, 404: _REFUSED},
}
SSE: dict[str, Any] = {
    "tags": ["MCP"],
    "summary": "MCP over HTTP+SSE (2024-11-05): open a session",
    "description": "The first event, `endpoint`, says where to post messages; answers come as `message` events.",
    "responses": {200: {"description": "The stream.", "content": _STREAM}},
}
MESSAGES: dict[str, Any] = {
    "tags": ["MCP"],
    "summary": "MCP over HTTP+SSE (2024-11-05): send a message",
    "responses": {202: {"description": "Taken; the answer comes on the stream."}, 400: _REFUSED, 404: _REFUSED},
    "openapi_extra": {
        **_SENDS,
        "parameters": [{"name": "session_id", "in": "query", "required": True, "schema": {"type": "string"}}],
    },
}
