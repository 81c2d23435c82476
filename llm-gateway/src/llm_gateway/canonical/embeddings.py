"""Requests for embeddings, and their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from llm_gateway.canonical.usage import Usage
from llm_gateway.canonical.value import Value


class EmbeddingRequest(Value, frozen=True):
    """Texts, or token ids of OpenAI's models, to turn into vectors.

    `dimensions` asks for shorter vectors where a model can; `purpose` is a hint that some models take.
    """

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    provider: str | None = None
    dimensions: int | None = None
    purpose: Literal["query", "document"] | None = None
    user: str | None = None
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    dialect: str = "native"


class EmbeddingResult(Value, frozen=True):
    """A vector for each input, in order. Vectors in single precision are `array("f")`, which takes less memory."""

    vectors: tuple[Sequence[float], ...]
    usage: Usage | None = None
    model: str | None = None
