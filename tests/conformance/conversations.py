"""Tools of the fixture server that speak with their client while they run, as the handshake revisions have it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    ClientCapabilities,
    ElicitResult,
    InputRequiredResult,
    SamplingMessage,
    TextContent,
)
from mcp.types.jsonrpc import MISSING_REQUIRED_CLIENT_CAPABILITY
from mcp_toolbox.registry.tool import ToolResult

Request = ServerRequestContext[Any, Any]
Answer = ToolResult | InputRequiredResult
Conversation = Callable[[Request, CallToolRequestParams], Awaitable[Answer]]

_TEXT = {"type": "string"}


async def with_logging(request: Request, params: CallToolRequestParams) -> ToolResult:
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await request.session.send_log_message("info", message, related_request_id=request.request_id)
        await asyncio.sleep(0.05)
    return ToolResult.of("Done, with logging.")


async def sampling(request: Request, params: CallToolRequestParams) -> ToolResult:
    prompt = SamplingMessage(role="user", content=TextContent(type="text", text=(params.arguments or {})["prompt"]))
    answer = await request.session.create_message([prompt], max_tokens=100, related_request_id=request.request_id)
    said = answer.content.text if isinstance(answer.content, TextContent) else ""
    return ToolResult.of(f"LLM response: {said}")


async def elicitation(request: Request, params: CallToolRequestParams) -> ToolResult:
    form = _form(
        ["username", "email"],
        username={**_TEXT, "description": "User's response"},
        email={**_TEXT, "description": "User's email address"},
    )
    answer = await request.session.elicit_form((params.arguments or {})["message"], form, request.request_id)
    return ToolResult.of(f"User response: {_told(answer)}")


async def defaults(request: Request, params: CallToolRequestParams) -> ToolResult:
    form = _form(
        [],
        name={**_TEXT, "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={**_TEXT, "enum": ["active", "inactive", "pending"], "default": "active"},
        verified={"type": "boolean", "default": True},
    )
    answer = await request.session.elicit_form("Check these values.", form, request.request_id)
    return ToolResult.of(f"Elicitation completed: {_told(answer)}")


async def enums(request: Request, params: CallToolRequestParams) -> ToolResult:
    options = ["option1", "option2", "option3"]
    titled = [{"const": f"value{i}", "title": f"{nth} Option"} for i, nth in enumerate(("First", "Second", "Third"), 1)]
    form = _form(
        [],
        untitledSingle={**_TEXT, "enum": options},
        titledSingle={**_TEXT, "oneOf": titled},
        legacyEnum={
            **_TEXT,
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti={"type": "array", "items": {**_TEXT, "enum": options}},
        titledMulti={"type": "array", "items": {"anyOf": titled}},
    )
    answer = await request.session.elicit_form("Choose.", form, request.request_id)
    return ToolResult.of(f"Elicitation completed: {_told(answer)}")


async def needs_sampling(request: Request, params: CallToolRequestParams) -> ToolResult:
    """Runs for a client that declared `sampling`, and for no other."""
    capabilities = request.session.client_capabilities or ClientCapabilities()
    if capabilities.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="This tool needs a client with sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return ToolResult.of("The client can sample.")


def _form(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def _told(answer: ElicitResult) -> str:
    return f"action={answer.action}, content={json.dumps(answer.content)}"


TALKING: dict[str, tuple[Conversation, dict[str, Any]]] = {
    "test_tool_with_logging": (with_logging, {}),
    "test_logging_tool": (with_logging, {}),
    "test_sampling": (sampling, {"prompt": _TEXT}),
    "test_elicitation": (elicitation, {"message": _TEXT}),
    "test_elicitation_sep1034_defaults": (defaults, {}),
    "test_elicitation_sep1330_enums": (enums, {}),
    "test_missing_capability": (needs_sampling, {}),
}
"""Name → conversation, and the texts that it takes."""
