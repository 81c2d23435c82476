"""Embeddings by Amazon Titan and Cohere; each has a body of its own for InvokeModel.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
and https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Usage
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock.errors import hidden_error
from llm_gateway.dialects.common import usage as counted
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.errors import InvalidRequest, UpstreamProtocol

_COHERE_TEXTS = 96
_COHERE_PURPOSES = {"query": "search_query", "document": "search_document", None: "search_document"}
_TITAN_DIMENSIONS = (256, 512, 1024)

_encode = msgspec.json.Encoder().encode


class _ByType(msgspec.Struct):
    floats: list[list[float]] | None = msgspec.field(default=None, name="float")


class _Received(msgspec.Struct, rename="camel"):
    """Titan's `embedding` and count, or Cohere's `embeddings`: a list, or an object with one list for each number
    type."""

    embedding: list[float] | None = None
    input_text_token_count: Any = None
    embeddings: list[list[float]] | _ByType | None = None


_reader = TolerantReader(_Received)


def encode_embeddings(request: EmbeddingRequest, model: Model) -> list[bytes]:
    """Returns the bodies in order: one text each for Titan, up to 96 for Cohere.

    Raises:
        InvalidRequest: token ids instead of texts, unsupported dimensions, or a model without embeddings.
    """
    texts = [text for text in request.inputs if isinstance(text, str)]
    if len(texts) != len(request.inputs):
        raise InvalidRequest("input: Bedrock takes texts, not tokens", param="input")
    if "titan-embed" in model.id:
        return [_encode(_titan(text, request.dimensions, model)) for text in texts]
    if "cohere.embed" in model.id:
        return [_encode(_cohere(texts[at : at + _COHERE_TEXTS], request, model)) for at in range(0, len(texts), 96)]
    raise InvalidRequest(f"model: '{model.name}' makes no embeddings", param="model")


def _titan(text: str, dimensions: int | None, model: Model) -> dict[str, object]:
    if dimensions is None:
        return {"inputText": text}
    if "titan-embed-text-v2" not in model.id or dimensions not in _TITAN_DIMENSIONS:
        raise InvalidRequest("dimensions: this model has 256, 512 or 1024", param="dimensions")
    return {"inputText": text, "dimensions": dimensions}


def _cohere(texts: list[str], request: EmbeddingRequest, model: Model) -> dict[str, object]:
    body: dict[str, object] = {"texts": texts, "input_type": _COHERE_PURPOSES[request.purpose]}
    if request.dimensions is not None:
        if "embed-v4" not in model.id:
            raise InvalidRequest("dimensions: this model has vectors of one length", param="dimensions")
        body |= {"output_dimension": request.dimensions, "embedding_types": ["float"]}
    return body


def decode_embeddings(bodies: list[bytes]) -> EmbeddingResult:
    """Returns the vectors of all answers in order. Usage is None for Cohere, which counts tokens in a header only.

    Raises:
        UpstreamProtocol: an answer has no vectors.
    """
    vectors: list[tuple[float, ...]] = []
    counts: list[Usage | None] = []
    for body in bodies:
        try:
            received = _reader.read(body)
        except UNREADABLE as error:
            raise UpstreamProtocol(f"{error}: {body[:500]!r}") from None
        vectors += (tuple(vector) for vector in _vectors(received, body))
        counts.append(counted.usage_from(prompt=(received.input_text_token_count,)))
    told = [usage for usage in counts if usage is not None]
    complete = told and len(told) == len(counts)
    tokens = sum(usage.prompt_tokens for usage in told)
    return EmbeddingResult(vectors=tuple(vectors), usage=Usage(prompt_tokens=tokens) if complete else None)


def _vectors(received: _Received, body: bytes) -> list[list[float]]:
    if received.embedding is not None:
        return [received.embedding]
    found = received.embeddings.floats if isinstance(received.embeddings, _ByType) else received.embeddings
    if found is None:
        hidden = hidden_error(body)
        if hidden is not None:
            raise hidden
        raise UpstreamProtocol(f"an answer without embeddings: {body[:500]!r}")
    return found
