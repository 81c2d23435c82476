"""What the planner reads and says: a conversation with tools on offer, and the answer that continues it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

FinishReason = Literal["stop", "length", "tool_calls"]


class Text(msgspec.Struct, frozen=True, gc=False):
    """Text that a person, a tool or the planner says."""

    text: str


class Image(msgspec.Struct, frozen=True, gc=False):
    """The place of an image, of which the planner sees nothing more."""


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why an answer in the requested form cannot be given."""

    text: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A call that the caller is to make; `arguments` is a JSON object as text."""

    id: str
    name: str
    arguments: str


Part = Text | Image | Refusal | ToolCall


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One turn. Role `tool` carries the result of the call `tool_call_id`; `is_error` says that the call failed."""

    role: Literal["system", "user", "assistant", "tool"]
    content: tuple[Part, ...] = ()
    tool_call_id: str | None = None
    is_error: bool = False

    def text(self) -> str:
        """All text parts, joined without a separator."""
        return "".join(part.text for part in self.content if isinstance(part, Text))


class Tool(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A function on offer; `parameters` is a JSON Schema object. `read_only` is what its server says of that (MCP's
    `readOnlyHint`), None where it says nothing."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    read_only: bool | None = None


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which tool must be used; `name` goes with mode `tool` alone."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None


class ResponseFormat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The form of the answer; `schema` is a JSON Schema and goes with `json_schema` alone."""

    type: Literal["text", "json_object", "json_schema"]
    schema: dict[str, Any] | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A question, with what came before it. `max_tokens` counts the planner's own tokens (`offline_planner.tokens`)."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    response_format: ResponseFormat | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the planner says: calls to make, a text or a refusal; counts are in the planner's own tokens."""

    content: tuple[Part, ...]
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
