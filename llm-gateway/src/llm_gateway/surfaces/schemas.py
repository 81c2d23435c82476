"""The answers of the raw routes as structs, for their description alone (and the tests that hold us to it)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from llm_gateway.dialects.native import ReasoningDetail

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


class ChatMessage(msgspec.Struct):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: str | msgspec.UnsetType = msgspec.UNSET
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
