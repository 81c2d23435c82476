"""Parses requests to `POST /v1/embeddings`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from llm_gateway.canonical import EmbeddingRequest
from llm_gateway.dialects.common.request_body import in_range, invalid, not_json
from llm_gateway.dialects.common.tolerant_json import UNREADABLE
from llm_gateway.dialects.openai_embeddings import NAME
from llm_gateway.dialects.openai_embeddings.wire import EmbeddingsRequest, Encoding
from llm_gateway.errors import InvalidRequest

MOST_INPUTS = 2048
"""The most inputs of one request; OpenAI's limit."""

_decoder = msgspec.json.Decoder(EmbeddingsRequest)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KNOWN = frozenset(EmbeddingsRequest.__struct_fields__)

_PURPOSES: dict[str, Literal["query", "document"]] = {
    "query": "query", "search_query": "query", "document": "document", "search_document": "document",
    "passage": "document",
}  # fmt: skip


def parse_request(body: bytes) -> tuple[EmbeddingRequest, Encoding]:
    """Returns the canonical request and the encoding of its vectors.

    Raises:
        InvalidRequest: the body is not JSON, or a field is missing or of the wrong type; names the field.
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
        dimensions=in_range(sent.dimensions, "dimensions", 1),
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
