"""Answers of chat completions."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from llm_gateway.surfaces.http.schemas.native import FinishReason


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
