"""Answers of the native route."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from llm_gateway.dialects.native.wire import ReasoningDetail

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


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
