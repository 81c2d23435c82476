"""The JSON of `POST /mcp/llm/generate`, as structs; an answer's tool calls and signed thoughts have the same form."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from llm_gateway.dialects.common import openai_wire as wire


class NativeToolCall(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A tool call. Answers have `name` and `args`; requests may have OpenAI's `function` instead."""

    id: str
    name: str | None = None
    args: dict[str, Any] | None = None
    function: wire.FunctionCall | None = None
    type: Literal["function"] | None = None


class ReasoningDetail(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A thought that its provider signed. An answer has it, and the next request gives it back unchanged: some models
    need it to go on after a tool's result."""

    text: str = ""
    signature: str | None = None
    provider: str | None = None
    redacted: bool = False


class NativeMessage(msgspec.Struct, forbid_unknown_fields=True):
    """One turn; a `tool` message answers the call `tool_call_id`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[wire.ContentPart] | None = None
    tool_calls: list[NativeToolCall] | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    is_error: bool = False


class GenerateRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /mcp/llm/generate`; an unknown field is an error that names it."""

    messages: list[NativeMessage]
    model: str = ""
    provider: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    tools: list[wire.ToolParam] | None = None
    tool_choice: Literal["none", "auto", "required"] | wire.NamedToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: wire.ResponseFormatParam | None = None
    reasoning_effort: str | None = None
    reasoning_budget: int | None = None
    stream: bool = False
    user: str | None = None
