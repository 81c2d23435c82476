"""Tools as the toolbox lists them, and what they answer."""

from __future__ import annotations

from typing import Any

import msgspec
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool

_MAX_RESULT_CHARS = 100_000


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as the toolbox lists it; `input_schema` is a JSON Schema object. `read_only` is what its annotations say,
    None where they say nothing. `repeatable` says that a second call does no more than the first, since the tool is
    marked as read-only or idempotent."""

    name: str
    description: str
    input_schema: dict[str, Any]
    read_only: bool | None = None
    repeatable: bool = False

    def as_function(self) -> dict[str, Any]:
        """The tool in the form in which models are told of it (OpenAI's function tools), with MCP's annotation for the
        gateway's own planner: no provider is sent it."""
        function = {"name": self.name, "description": self.description, "parameters": self.input_schema}
        told = {} if self.read_only is None else {"annotations": {"readOnlyHint": self.read_only}}
        return {"type": "function", "function": function, **told}


def tool_of(listed: ListedTool) -> Tool:
    """Returns a tool as the toolbox lists it."""
    return Tool(
        name=listed.name,
        description=listed.description or "",
        input_schema=listed.input_schema,
        read_only=_is_read_only(listed.annotations),
        repeatable=_is_repeatable(listed.annotations),
    )


def _is_read_only(annotations: ToolAnnotations | None) -> bool | None:
    """What a tool's annotations say; one that may destroy does not only read, whatever else it says."""
    if annotations is None:
        return None
    return False if annotations.destructive_hint and not annotations.read_only_hint else annotations.read_only_hint


def _is_repeatable(annotations: ToolAnnotations | None) -> bool:
    return annotations is not None and (annotations.read_only_hint is True or annotations.idempotent_hint is True)


class ToolAnswer(msgspec.Struct, frozen=True):
    """What a tool said, as text; `is_error` when it failed."""

    text: str
    is_error: bool = False


def text_of(result: CallToolResult) -> str:
    """A tool's result as a model reads it: its texts, what its links lead to, and its structured content when it has no
    text."""
    texts = [_shown(block) for block in result.content]
    if result.structured_content is not None and not any(map(_is_text, result.content)):
        texts.append(msgspec.json.encode(result.structured_content).decode())
    text = "\n".join(texts)
    if len(text) > _MAX_RESULT_CHARS:
        return f"{text[:_MAX_RESULT_CHARS]}\n[… {len(text) - _MAX_RESULT_CHARS} characters left out]"
    return text


def _is_text(block: Any) -> bool:
    return isinstance(block, TextContent) or (
        isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents)
    )


def _shown(block: Any) -> str:
    """One block of a result as text; of what cannot be text, what it is."""
    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, ResourceLink):
        told = {"name": block.name, "title": block.title, "uri": block.uri, "mimeType": block.mime_type}
        return _described("resource_link", {**told, "description": block.description})
    if isinstance(block, EmbeddedResource):
        resource = block.resource
        if isinstance(resource, TextResourceContents):
            return resource.text
        told = {"uri": resource.uri, "mimeType": resource.mime_type}
        size = len(resource.blob) * 3 // 4 if isinstance(resource, BlobResourceContents) else 0
        return _described("resource", {**told, "bytes": size, "content": "binary, not shown"})
    return f"[{block.type}]"


def _described(kind: str, told: dict[str, Any]) -> str:
    fields = [f"{name}: {value}" for name, value in told.items() if value]
    return f"[{kind}] {', '.join(fields)}"
