"""The JSON of chat completions, requests and answers, as structs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from llm_gateway.dialects.common.openai_wire import (
    ContentPart,
    FunctionCall,
    NamedToolChoice,
    ResponseFormatParam,
    ToolParam,
)
from llm_gateway.dialects.openai_chat.reasoning_details import Detail


class ToolCallParam(msgspec.Struct):
    id: str
    function: FunctionCall
    type: Literal["function"] = "function"
    cache_control: Any = None


class MessageParam(msgspec.Struct):
    """One turn. Clients send answers back with all fields, so unknown ones are ignored.

    Parts without a canonical counterpart (`input_audio`, `file`) are always refused, by name.
    """

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[ToolCallParam] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None


class ReasoningParam(msgspec.Struct, forbid_unknown_fields=True):
    """OpenRouter's `reasoning`: an effort or a budget in tokens."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class ChatRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/chat/completions`. Unknown fields are errors here: `BodyReader` then collects them."""

    messages: list[MessageParam]
    model: str = ""
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    metadata: Any = None
    n: int | None = None
    parallel_tool_calls: bool | None = None
    prediction: Any = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    provider: str | None = None
    reasoning: ReasoningParam | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormatParam | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    tools: list[ToolParam] | None = None
    top_k: int | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    user: str | None = None
    verbosity: str | None = None


HINTS = (
    "metadata", "prediction", "prompt_cache_key", "safety_identifier", "service_tier", "store",
)  # fmt: skip
"""Fields that do not change the answer."""


class CalledFunction(msgspec.Struct):
    """The function of a call. `arguments` is JSON text; some servers send an object."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ReceivedToolCall(msgspec.Struct):
    """A tool call or a piece of one; providers leave fields out."""

    index: int | None = None
    id: str | None = None
    function: CalledFunction = msgspec.field(default_factory=CalledFunction)


class ReceivedMessage(msgspec.Struct):
    """A message or a delta. With Mistral's thinking models, `content` is a list of chunks."""

    content: str | list[Any] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[ReceivedToolCall] | None = None


class ReceivedChoice(msgspec.Struct):
    index: int = 0
    message: ReceivedMessage | None = None
    delta: ReceivedMessage | None = None
    finish_reason: str | None = None
    logprobs: Any = None


class Received(msgspec.Struct):
    """An answer or a chunk. `usage` is read separately, so that a bad count does not invalidate the answer."""

    choices: list[ReceivedChoice] | None = None
    id: str | None = None
    model: str | None = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None
    service_tier: Any = None


PIECES = frozenset({"content", "refusal", "reasoning_content", "reasoning", "text", "summary", "arguments"})
"""The fields of a delta that hold a piece of text."""
