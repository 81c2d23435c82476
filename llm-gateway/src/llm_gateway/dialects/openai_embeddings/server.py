"""Embeddings as our clients speak them: their texts in, our vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from llm_gateway.canonical import EmbeddingRequest
from llm_gateway.canonical.answer import EmbeddingAnswer
from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.common.request_body import invalid, not_json
from llm_gateway.dialects.openai_chat.server import within
from llm_gateway.dialects.openai_chat.wire import UNREADABLE
from llm_gateway.dialects.openai_embeddings.client import NAME
from llm_gateway.dialects.openai_embeddings.vectors import packed
from llm_gateway.errors import InvalidRequest

__all__ = ["MOST_INPUTS", "EmbeddingsRequest", "parse_request", "render_error", "render_result"]

MOST_INPUTS = 2048
"""OpenAI's limit for one request."""

Encoding = Literal["float", "base64"]


class EmbeddingsRequest(msgspec.Struct):
    """The body of `POST /v1/embeddings`: `input` is a text, texts, token ids, or lists of those.

    `input_type` is how Voyage, Cohere and OpenRouter say what the vectors are for.
    """

    model: str
    input: str | list[str | int | list[int]]
    provider: str | None = None
    dimensions: int | None = None
    encoding_format: Encoding | None = None
    input_type: str | None = None
    user: str | None = None


_decoder = msgspec.json.Decoder(EmbeddingsRequest)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder(decimal_format="number").encode
_KNOWN = frozenset(EmbeddingsRequest.__struct_fields__)
_PURPOSES: dict[str, Literal["query", "document"]] = {
    "query": "query", "search_query": "query", "document": "document", "search_document": "document",
    "passage": "document",
}  # fmt: skip


def parse_request(body: bytes) -> tuple[EmbeddingRequest, Encoding]:
    """What is asked for, and how its vectors are to be written.

    Raises:
        InvalidRequest: the body is no JSON, lacks what it needs, or a field has the wrong type; names the field.
    """
    try:
        sent = _decoder.decode(body)
        extra = {name: msgspec.json.decode(value) for name, value in _fields.decode(body).items() if name not in _KNOWN}
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except UNREADABLE as error:
        raise not_json(error) from None
    purpose = _PURPOSES.get(sent.input_type or "")
    if sent.input_type is not None and purpose is None:
        extra["input_type"] = sent.input_type
    request = EmbeddingRequest(
        model=sent.model,
        provider=sent.provider,
        inputs=_inputs(sent.input),
        dimensions=within(sent.dimensions, "dimensions", 1),
        purpose=purpose,
        user=sent.user,
        extra=extra,
        dialect=NAME,
    )
    return request, sent.encoding_format or "float"


def _inputs(sent: str | list[Any]) -> tuple[str | tuple[int, ...], ...]:
    if isinstance(sent, str):
        return (_input(sent, "input"),)
    if not sent:
        raise InvalidRequest("input: at least one is needed", param="input")
    if isinstance(sent[0], int):
        return (_tokens(sent, "input"),)
    if len(sent) > MOST_INPUTS:
        raise InvalidRequest(f"input: at most {MOST_INPUTS} at once", param="input")
    return tuple(_input(item, f"input[{place}]") for place, item in enumerate(sent))


def _input(item: Any, param: str) -> str | tuple[int, ...]:
    if isinstance(item, int):
        raise InvalidRequest(f"{param}: a text or a list of token ids is expected, not a number", param=param)
    if not item:
        raise InvalidRequest(f"{param}: must not be empty", param=param)
    return item if isinstance(item, str) else _tokens(item, param)


def _tokens(items: list[Any], param: str) -> tuple[int, ...]:
    for place, token in enumerate(items):
        if not isinstance(token, int) or token < 0:
            raise InvalidRequest(f"{param}[{place}]: a token id is expected", param=f"{param}[{place}]")
    return tuple(items)


def render_result(answer: EmbeddingAnswer, encoding: Encoding) -> bytes:
    """The `list` object."""
    origin, tokens = answer.origin, answer.usage.prompt_tokens
    body: dict[str, Any] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _written(vector, encoding)}
            for index, vector in enumerate(answer.result.vectors)
        ],
        "model": origin.model,
        "provider": origin.provider,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "cost_usd": answer.cost.usd},
    }
    if origin.fallback_from is not None:
        body["fallback_from"] = origin.fallback_from
    return _encode(body)


def _written(vector: Sequence[float], encoding: Encoding) -> str | list[float]:
    return packed(vector) if encoding == "base64" else list(vector)
