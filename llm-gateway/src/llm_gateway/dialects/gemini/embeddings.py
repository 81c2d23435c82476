"""Embeddings by Gemini's models: `batchEmbedContents`.

Source: https://ai.google.dev/api/embeddings
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Usage
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.dialects.gemini import wire
from llm_gateway.dialects.gemini.decode_chunk import usage_of
from llm_gateway.errors import InvalidRequest, UpstreamProtocol

_MOST_TEXTS = 100
_TASKS = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}

_reader = TolerantReader(wire.Embedded)


def encode_embeddings(request: EmbeddingRequest, model: Model) -> list[bytes]:
    """Returns bodies of at most a hundred texts each.

    Raises:
        InvalidRequest: the input is token ids, which only OpenAI's models know.
    """
    settings: dict[str, Any] = {"model": f"models/{model.id}"}
    if request.dimensions is not None:
        settings["outputDimensionality"] = request.dimensions
    if request.purpose is not None:
        settings["taskType"] = _TASKS[request.purpose]
    wanted = [{"content": {"parts": [{"text": _text(given)}]}, **settings} for given in request.inputs]
    size = min(model.endpoint.embeddings_batch, _MOST_TEXTS)
    return [msgspec.json.encode({"requests": wanted[start : start + size]}) for start in range(0, len(wanted), size)]


def _text(given: str | tuple[int, ...]) -> str:
    if not isinstance(given, str):
        raise InvalidRequest("input: this model takes texts, not token ids", param="input")
    return given


def decode_embeddings(bodies: list[bytes]) -> EmbeddingResult:
    """Returns the vectors of all bodies in order. Usage is None unless every body has its count.

    Raises:
        UpstreamProtocol: a body is not an answer.
    """
    answers = [_answer(body) for body in bodies]
    counted = [usage for answer in answers if (usage := usage_of(answer.usage_metadata)) is not None]
    tokens = sum(usage.prompt_tokens for usage in counted)
    return EmbeddingResult(
        vectors=tuple(vector.values for answer in answers for vector in answer.embeddings),
        usage=Usage(prompt_tokens=tokens) if answers and len(counted) == len(answers) else None,
    )


def _answer(body: bytes) -> wire.Embedded:
    try:
        return _reader.read(body)
    except UNREADABLE as error:
        raise UpstreamProtocol(f"{error}: {body[:500]!r}") from None
