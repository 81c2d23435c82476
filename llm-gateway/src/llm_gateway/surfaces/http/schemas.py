"""The answers of the raw routes as structs, for their description alone (and the tests that hold us to it)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from llm_gateway.dialects.native.wire import ReasoningDetail

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class ErrorObject(msgspec.Struct):
    message: str
    type: str
    code: str
    param: str | None
    request_id: str


class ErrorEnvelope(msgspec.Struct):
    error: ErrorObject


class NativeUsage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    reasoning_tokens: int


class NativeCall(msgspec.Struct):
    id: str
    name: str
    args: Any


class GenerateAnswer(msgspec.Struct):
    content: str | None
    model: str
    provider: str
    provider_model: str
    tool_calls: list[NativeCall]
    finish_reason: FinishReason
    usage: NativeUsage
    cost_usd: float | None
    cost_source: Literal["reported", "computed", "estimated", "unknown"]
    cost_items: dict[str, float]
    latency_ms: float
    cached: bool
    request_id: str
    reasoning: str | msgspec.UnsetType = msgspec.UNSET
    reasoning_details: list[ReasoningDetail] | msgspec.UnsetType = msgspec.UNSET
    saved_usd: float | msgspec.UnsetType = msgspec.UNSET
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET


class NativeCallDelta(msgspec.Struct):
    index: int
    args_delta: str
    id: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET


class GenerateEvent(msgspec.Struct):
    """One event of a native stream; the last one is a `GenerateAnswer` without its content."""

    content: str | msgspec.UnsetType = msgspec.UNSET
    reasoning: str | msgspec.UnsetType = msgspec.UNSET
    tool_calls: list[NativeCallDelta] | msgspec.UnsetType = msgspec.UNSET
    finish_reason: FinishReason | msgspec.UnsetType = msgspec.UNSET


class ChatFunction(msgspec.Struct):
    name: str
    arguments: str


class ChatToolCall(msgspec.Struct):
    id: str
    type: Literal["function"]
    function: ChatFunction


class ChatReasoningDetail(msgspec.Struct):
    """A thought whose signature its provider wants to see again; send it back as it came."""

    type: Literal["reasoning.text", "reasoning.encrypted"]
    index: int
    format: str | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    signature: str | msgspec.UnsetType = msgspec.UNSET
    data: str | msgspec.UnsetType = msgspec.UNSET
    id: str | msgspec.UnsetType = msgspec.UNSET


class ChatMessage(msgspec.Struct):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: str | msgspec.UnsetType = msgspec.UNSET
    reasoning_details: list[ChatReasoningDetail] | msgspec.UnsetType = msgspec.UNSET
    tool_calls: list[ChatToolCall] | msgspec.UnsetType = msgspec.UNSET


class ChatChoice(msgspec.Struct):
    index: int
    message: ChatMessage
    finish_reason: FinishReason
    logprobs: Any


class PromptTokensDetails(msgspec.Struct):
    cached_tokens: int
    audio_tokens: int


class CompletionTokensDetails(msgspec.Struct):
    reasoning_tokens: int
    audio_tokens: int


class ChatUsage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails
    cost_usd: float | None


class ChatCompletion(msgspec.Struct):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    provider: str
    choices: list[ChatChoice]
    usage: ChatUsage
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET


class ChatCompletionChunk(msgspec.Struct):
    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    provider: str
    choices: list[dict[str, Any]]
    usage: ChatUsage | msgspec.UnsetType | None = msgspec.UNSET
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET


class MessageText(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class MessageThinking(msgspec.Struct, tag_field="type", tag="thinking"):
    """A thought; `signature` is opaque and goes back as it came."""

    thinking: str
    signature: str


class MessageRedactedThinking(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str


class MessageToolUse(msgspec.Struct, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]


MessageBlock = MessageText | MessageThinking | MessageRedactedThinking | MessageToolUse
StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]


class ThinkingTokens(msgspec.Struct):
    thinking_tokens: int


class CacheCreation(msgspec.Struct):
    ephemeral_1h_input_tokens: int
    ephemeral_5m_input_tokens: int


class MessageUsage(msgspec.Struct):
    """`input_tokens` leaves out what was read from or written to a cache."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: ThinkingTokens
    cache_creation: CacheCreation | msgspec.UnsetType = msgspec.UNSET
    cost_usd: float | msgspec.UnsetType | None = msgspec.UNSET


class MessageObject(msgspec.Struct):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    provider: str
    content: list[MessageBlock]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: MessageUsage
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET


class MessageDelta(msgspec.Struct):
    """What changes in a block, which has a `type`, or how the message ended."""

    type: Literal["text_delta", "input_json_delta", "thinking_delta", "signature_delta"] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    text: str | msgspec.UnsetType = msgspec.UNSET
    partial_json: str | msgspec.UnsetType = msgspec.UNSET
    thinking: str | msgspec.UnsetType = msgspec.UNSET
    signature: str | msgspec.UnsetType = msgspec.UNSET
    stop_reason: StopReason | msgspec.UnsetType = msgspec.UNSET
    stop_sequence: str | msgspec.UnsetType | None = msgspec.UNSET


class MessagesDetails(msgspec.Struct):
    error_code: str


class MessagesFailure(msgspec.Struct):
    """`type` is Anthropic's; `error_code` and `param` are the `code` and `param` of our own envelope."""

    type: str
    message: str
    details: MessagesDetails
    param: str | None


class MessagesError(msgspec.Struct, tag_field="type", tag="error"):
    """Anthropic's envelope."""

    error: MessagesFailure
    request_id: str


class MessageEvent(msgspec.Struct):
    """One event of a stream of Messages."""

    type: Literal[
        "message_start", "ping", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop", "error",
    ]  # fmt: skip
    index: int | msgspec.UnsetType = msgspec.UNSET
    message: MessageObject | msgspec.UnsetType = msgspec.UNSET
    content_block: MessageBlock | msgspec.UnsetType = msgspec.UNSET
    delta: MessageDelta | msgspec.UnsetType = msgspec.UNSET
    usage: MessageUsage | msgspec.UnsetType = msgspec.UNSET
    error: MessagesFailure | msgspec.UnsetType = msgspec.UNSET
    request_id: str | msgspec.UnsetType = msgspec.UNSET


class TokenCount(msgspec.Struct):
    """An estimate of ours."""

    input_tokens: int


class ResponseText(msgspec.Struct, tag_field="type", tag="output_text"):
    text: str
    annotations: list[dict[str, Any]]
    logprobs: list[dict[str, Any]]


class OutputRefusal(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class OutputSummary(msgspec.Struct, tag_field="type", tag="summary_text"):
    text: str


ItemStatus = Literal["in_progress", "completed", "incomplete"]


class OutputMessage(msgspec.Struct, tag_field="type", tag="message"):
    id: str
    role: Literal["assistant"]
    status: ItemStatus
    content: list[ResponseText | OutputRefusal]


class OutputReasoning(msgspec.Struct, tag_field="type", tag="reasoning"):
    """A thought; `encrypted_content` is opaque and goes back as it came."""

    id: str
    status: ItemStatus
    summary: list[OutputSummary]
    encrypted_content: str | msgspec.UnsetType = msgspec.UNSET


class OutputFunctionCall(msgspec.Struct, tag_field="type", tag="function_call"):
    id: str
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


OutputItem = OutputMessage | OutputReasoning | OutputFunctionCall


class InputTokensDetails(msgspec.Struct):
    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(msgspec.Struct):
    reasoning_tokens: int


class ResponseUsage(msgspec.Struct):
    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int
    cost_usd: float | None


class IncompleteDetails(msgspec.Struct):
    reason: Literal["max_output_tokens", "content_filter"]


class ResponseFailure(msgspec.Struct):
    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class ResponseObject(msgspec.Struct):
    """A Response; what is not its answer repeats the request."""

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    error: ResponseFailure | None
    incomplete_details: IncompleteDetails | None
    model: str
    provider: str
    output: list[OutputItem]
    usage: ResponseUsage | None
    background: bool
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    previous_response_id: str | None
    prompt_cache_key: str | None
    reasoning: dict[str, Any]
    safety_identifier: str | None
    service_tier: str | None
    store: bool
    temperature: float | None
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float | None
    truncation: Literal["auto", "disabled"]
    user: str | None
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET


class ResponseEvent(msgspec.Struct):
    """One event of a streamed Response; `type` says which of the fields it has."""

    type: str
    sequence_number: int
    response: ResponseObject | msgspec.UnsetType = msgspec.UNSET
    output_index: int | msgspec.UnsetType = msgspec.UNSET
    item: OutputItem | msgspec.UnsetType = msgspec.UNSET
    item_id: str | msgspec.UnsetType = msgspec.UNSET
    content_index: int | msgspec.UnsetType = msgspec.UNSET
    summary_index: int | msgspec.UnsetType = msgspec.UNSET
    part: ResponseText | OutputRefusal | OutputSummary | msgspec.UnsetType = msgspec.UNSET
    delta: str | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    refusal: str | msgspec.UnsetType = msgspec.UNSET
    arguments: str | msgspec.UnsetType = msgspec.UNSET
    logprobs: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    error: ErrorObject | msgspec.UnsetType = msgspec.UNSET
    code: str | msgspec.UnsetType = msgspec.UNSET
    message: str | msgspec.UnsetType = msgspec.UNSET
    param: str | msgspec.UnsetType | None = msgspec.UNSET


class EmbeddingVector(msgspec.Struct):
    """`embedding` is base64 of little-endian single-precision floats where that was asked for."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(msgspec.Struct):
    prompt_tokens: int
    total_tokens: int
    cost_usd: float | None


class EmbeddingList(msgspec.Struct):
    object: Literal["list"]
    data: list[EmbeddingVector]
    model: str
    provider: str
    usage: EmbeddingUsage
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET
