"""Answers of OpenAI's embeddings."""

from __future__ import annotations

from typing import Literal

import msgspec


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
