"""Renders vectors as OpenAI's `list` object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from llm_gateway.canonical.answer import EmbeddingAnswer
from llm_gateway.dialects.openai_embeddings.vectors import packed
from llm_gateway.dialects.openai_embeddings.wire import Encoding

_encode = msgspec.json.Encoder(decimal_format="number").encode


def render_result(answer: EmbeddingAnswer, encoding: Encoding) -> bytes:
    """Returns the `list` object as JSON."""
    answered_by, tokens = answer.answered_by, answer.usage.prompt_tokens
    body: dict[str, Any] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _written(vector, encoding)}
            for index, vector in enumerate(answer.result.vectors)
        ],
        "model": answered_by.model,
        "provider": answered_by.provider,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "cost_usd": answer.cost.usd},
    }
    if answered_by.fallback_from is not None:
        body["fallback_from"] = answered_by.fallback_from
    return _encode(body)


def _written(vector: Sequence[float], encoding: Encoding) -> str | list[float]:
    return packed(vector) if encoding == "base64" else list(vector)
