"""The tools of the fixture server that the toolbox's own catalog can run.

Names and answers are those that the scenarios of @modelcontextprotocol/conformance describe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, Tool, ToolResult

from tests.conformance.samples import audio_block, image_block

Run = Callable[[dict[str, Any], CallContext], ToolResult | Awaitable[ToolResult]]

NOTHING: dict[str, Any] = {"type": "object", "properties": {}}

SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}

_IN_A_HEADER = {
    "type": "object",
    "properties": {"region": {"type": "string", "description": "Where.", "x-mcp-header": "Region"}},
    "required": ["region"],
}


def fixture_tool(name: str, description: str, run: Run, schema: dict[str, Any] = NOTHING) -> Tool:
    """A tool as the catalog takes it, whose arguments are passed as they are."""
    return Tool(name, description, schema, None, Hints(), check=dict, run=run)


def fixture_tools() -> list[Tool]:
    """All of them."""
    return [
        fixture_tool(
            "test_simple_text", "Answers a text.", _answer(_text("This is a simple text response for testing."))
        ),
        fixture_tool("test_image_content", "Answers an image.", _answer(image_block())),
        fixture_tool("test_audio_content", "Answers a sound.", _answer(audio_block())),
        fixture_tool("test_embedded_resource", "Answers a resource.", _answer(_EMBEDDED)),
        fixture_tool(
            "test_multiple_content_types",
            "Answers a text, an image and a resource.",
            _answer(_text("Multiple content types test:"), image_block(), _MIXED),
        ),
        fixture_tool("test_error_handling", "Fails.", _fail),
        fixture_tool("test_tool_with_progress", "Reports its progress.", _progress),
        fixture_tool("json_schema_2020_12_tool", "Has a schema of many words.", _answer(_text("ok")), SCHEMA_2020_12),
        fixture_tool("test_x_mcp_header", "Takes an argument in a header too.", _region, _IN_A_HEADER),
    ]


_SIMPLE = {"type": "text", "text": "This is a simple text response for testing."}
_EMBEDDED = {
    "type": "resource",
    "resource": {
        "uri": "test://embedded-resource",
        "mimeType": "text/plain",
        "text": "This is an embedded resource content.",
    },
}
_MIXED = {
    "type": "resource",
    "resource": {
        "uri": "test://mixed-content-resource",
        "mimeType": "application/json",
        "text": '{"test":"data","value":123}',
    },
}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _answer(*content: dict[str, Any]) -> Run:
    return lambda arguments, context: ToolResult(content)


def _fail(arguments: dict[str, Any], context: CallContext) -> ToolResult:
    raise ToolFailedError("This tool intentionally returns an error for testing")


def _region(arguments: dict[str, Any], context: CallContext) -> ToolResult:
    return ToolResult.of(f"region: {arguments['region']}")


async def _progress(arguments: dict[str, Any], context: CallContext) -> ToolResult:
    for done in (0, 50, 100):
        await context.progress(done, 100)
        await asyncio.sleep(0.05)
    return ToolResult.of("Done, with progress.")
