"""What the waist hands to a surface: a result, and where it came from, what it cost and how long it took."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from llm_gateway.canonical import EmbeddingResult, Result, Usage
from llm_gateway.canonical.cost import UNKNOWN, Cost

CacheStatus = Literal["hit", "miss", "bypass", "coalesced"]
CacheLevel = Literal["memory", "redis"]


class AnsweredBy(msgspec.Struct, frozen=True, kw_only=True):
    """Known before the first byte of an answer: who gives it. `created` is in seconds since 1970.

    `session_id` is the session that the caller named or was given. `tools_emulated` says that its model, having no tool
    calling of its own, was asked for calls in the prompt.
    """

    request_id: str
    created: int
    model: str
    provider: str
    provider_model: str
    fallback_from: str | None = None
    tools_emulated: bool = False
    session_id: str | None = None


class AnswerMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of any answer. `saved_usd` is what a cached one would have cost again, `cache_key` the key of its
    entry, if it may have one."""

    answered_by: AnsweredBy
    usage: Usage
    cost: Cost = UNKNOWN
    latency_ms: float = 0.0
    upstream_ms: float = 0.0
    cache: CacheStatus = "bypass"
    saved_usd: Decimal | None = None
    dropped: tuple[str, ...] = ()
    cache_key: bytes | None = None

    @property
    def cached(self) -> bool:
        return self.cache in ("hit", "coalesced")


class Answer(AnswerMeta, frozen=True, kw_only=True):
    """A whole answer."""

    result: Result


class EmbeddingAnswer(AnswerMeta, frozen=True, kw_only=True):
    """Vectors."""

    result: EmbeddingResult
