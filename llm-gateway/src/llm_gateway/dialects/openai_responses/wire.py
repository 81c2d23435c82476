"""The JSON of a Responses request, as structs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class CacheBreakpoint(msgspec.Struct):
    """OpenAI's cache mark; the prefix is kept for half an hour, or as `ttl` says."""

    mode: Literal["explicit"] = "explicit"
    ttl: Literal["30m", "12h"] | None = None


class InputText(msgspec.Struct, tag_field="type", tag="input_text"):
    text: str
    prompt_cache_breakpoint: CacheBreakpoint | None = None
    cache_control: Any = None


class OutputText(msgspec.Struct, tag_field="type", tag="output_text"):
    """An assistant's text; annotations and logprobs that come back are ignored."""

    text: str
    annotations: Any = None
    logprobs: Any = None


class RefusalText(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class InputImage(msgspec.Struct, tag_field="type", tag="input_image"):
    """An image by its URL, which may be a `data:` one; uploaded files (`file_id`) need a store."""

    image_url: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None
    file_id: str | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None
    cache_control: Any = None


class InputFile(msgspec.Struct, tag_field="type", tag="input_file"):
    file_id: str | None = None


class SummaryText(msgspec.Struct, tag_field="type", tag="summary_text"):
    text: str


class ReasoningText(msgspec.Struct, tag_field="type", tag="reasoning_text"):
    text: str


InputPart = InputText | OutputText | RefusalText | InputImage | InputFile | SummaryText | ReasoningText


class InputItem(msgspec.Struct):
    """One item of `input`; an item without a type is a message. Each type has its own fields.

    message: `role`, `content`. function_call: `call_id`, `name`, `arguments`. function_call_output: `call_id`,
    `output`. reasoning: `summary`, `content`, `encrypted_content`. An item_reference needs a store.
    """

    type: Literal["message", "function_call", "function_call_output", "reasoning", "item_reference"] = "message"
    id: str | None = None
    status: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[InputPart] | None = None
    phase: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[InputPart] | None = None
    summary: list[SummaryText] | None = None
    encrypted_content: str | None = None


class ResponsesTool(msgspec.Struct):
    """A function. Tools that OpenAI runs are not supported."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ResponsesToolChoice(msgspec.Struct):
    """A function by its `name`, or some of the tools (`allowed_tools`)."""

    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[ResponsesTool] | None = None


class TextFormat(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class TextSettings(msgspec.Struct):
    format: TextFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningSettings(msgspec.Struct):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    mode: str | None = None
    context: str | None = None


class ResponsesStreamOptions(msgspec.Struct):
    include_obfuscation: bool | None = None


class ResponsesRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/responses`. Fields that need a store (`previous_response_id`, `conversation`, `prompt`) or
    a background task are refused by name."""

    input: str | list[InputItem]
    model: str = ""
    access_programs: Any = None
    background: bool | None = None
    background_options: Any = None
    context_management: Any = None
    conversation: Any = None
    image: Any = None
    include: list[str] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] | None = None
    moderation: Any = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    provider: str | None = None
    reasoning: ReasoningSettings | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: ResponsesStreamOptions | None = None
    temperature: float | None = None
    text: TextSettings | None = None
    tool_choice: Literal["none", "auto", "required"] | ResponsesToolChoice | None = None
    tools: list[ResponsesTool] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None


STATEFUL = ("previous_response_id", "conversation", "prompt", "moderation")
"""Fields that need a store or OpenAI's own services."""

HINTS = (
    "access_programs", "background_options", "context_management", "image", "metadata", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "service_tier",
)  # fmt: skip
"""Fields that do not change the answer."""
