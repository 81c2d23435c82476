"""Answers of the prompt API."""

from __future__ import annotations

from typing import Literal

import msgspec

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
Unset = msgspec.UnsetType


class PromptTokens(msgspec.Struct):
    """Tokens of this turn, of the session's earlier turns that were sent with it, and how many of them a cache had."""

    current: int
    historical: int
    cached: int


class PromptAnswer(msgspec.Struct, rename="camel"):
    """A whole answer; `processingTime` is written as `1.2s`, and `costUsd` is null where the price is unknown."""

    content: str
    model: str
    provider: str
    tokens_used: int
    cached: bool
    processing_time: str
    request_id: str
    session_id: str
    tokens: PromptTokens
    cost_usd: float | None
    finish_reason: FinishReason
    reasoning: str | Unset = msgspec.UNSET
    fallback_from: str | Unset = msgspec.UNSET


class PromptChunk(msgspec.Struct, rename="camel"):
    """The data of one event. The last has `finished` true and either the totals or `error` and `code`."""

    finished: bool | Unset = msgspec.UNSET
    index: int | Unset = msgspec.UNSET
    content: str | Unset = msgspec.UNSET
    reasoning: str | Unset = msgspec.UNSET
    total_tokens: int | Unset = msgspec.UNSET
    model: str | Unset = msgspec.UNSET
    provider: str | Unset = msgspec.UNSET
    cached: bool | Unset = msgspec.UNSET
    processing_time: str | Unset = msgspec.UNSET
    request_id: str | Unset = msgspec.UNSET
    session_id: str | Unset = msgspec.UNSET
    tokens: PromptTokens | Unset = msgspec.UNSET
    cost_usd: float | Unset | None = msgspec.UNSET
    finish_reason: FinishReason | Unset = msgspec.UNSET
    fallback_from: str | Unset = msgspec.UNSET
    error: str | Unset = msgspec.UNSET
    code: str | Unset = msgspec.UNSET


class BatchItem(msgspec.Struct, rename="camel"):
    """An item at its place: a whole answer, or what failed, as `error` and `code`."""

    index: int
    request_id: str
    content: str | Unset = msgspec.UNSET
    model: str | Unset = msgspec.UNSET
    provider: str | Unset = msgspec.UNSET
    tokens_used: int | Unset = msgspec.UNSET
    cached: bool | Unset = msgspec.UNSET
    processing_time: str | Unset = msgspec.UNSET
    session_id: str | Unset = msgspec.UNSET
    tokens: PromptTokens | Unset = msgspec.UNSET
    cost_usd: float | Unset | None = msgspec.UNSET
    finish_reason: FinishReason | Unset = msgspec.UNSET
    reasoning: str | Unset = msgspec.UNSET
    fallback_from: str | Unset = msgspec.UNSET
    error: str | Unset = msgspec.UNSET
    code: str | Unset = msgspec.UNSET


class BatchAnswer(msgspec.Struct, rename="camel"):
    """All items in their order; `rate` is written as `1.79 req/s`."""

    responses: list[BatchItem]
    count: int
    total_tokens: int
    processing_time: str
    rate: str
    parallel_processing: bool


class BatchChunk(PromptChunk):
    """The data of one event of a batch's stream: a chunk of the item `index`, or the last, `done`, with the totals."""

    done: bool | Unset = msgspec.UNSET
    count: int | Unset = msgspec.UNSET
    rate: str | Unset = msgspec.UNSET
