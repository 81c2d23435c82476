"""Tools as the toolbox lists them, and what they answer."""

from __future__ import annotations

from typing import Any

import msgspec
from mcp_types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents

_MAX_RESULT_CHARS = 100_000


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as the toolbox lists it; `input_schema` is a JSON Schema object. `repeatable` says that a second call does
    no more than the first, since the tool is marked as read-only or idempotent."""

    name: str
    description: str
    input_schema: dict[str, Any]
    repeatable: bool = False

    def as_function(self) -> dict[str, Any]:
        """The tool in the form in which models are told of it (OpenAI's function tools)."""
        function = {"name": self.name, "description": self.description, "parameters": self.input_schema}
        return {"type": "function", "function": function}


class ToolAnswer(msgspec.Struct, frozen=True):
    """What a tool said, as text; `is_error` when it failed."""

    text: str
    is_error: bool = False


def text_of(result: CallToolResult) -> str:
    """A tool's result as a model reads it: its texts, or its structured content when it has none."""
    texts: list[str] = []
    for block in result.content:
        if isinstance(block, TextContent):
            texts.append(block.text)
        elif isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents):
            texts.append(block.resource.text)
        else:
            texts.append(f"[{block.type}]")
    if not texts and result.structured_content is not None:
        texts.append(msgspec.json.encode(result.structured_content).decode())
    text = "\n".join(texts)
    if len(text) > _MAX_RESULT_CHARS:
        return f"{text[:_MAX_RESULT_CHARS]}\n[… {len(text) - _MAX_RESULT_CHARS} characters left out]"
    return text
