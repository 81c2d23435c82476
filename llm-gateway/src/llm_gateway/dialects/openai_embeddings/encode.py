"""Encodes a request for vectors as bodies of `POST /embeddings`."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import EmbeddingRequest
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.openai_embeddings import NAME
from llm_gateway.errors import InvalidRequest

_encode = msgspec.json.Encoder().encode


def encode_embeddings(request: EmbeddingRequest, model: Model) -> list[bytes]:
    """Returns bodies for all inputs, each with as many as the endpoint takes at once.

    Raises:
        InvalidRequest: the inputs are token ids, and the endpoint takes only text.
    """
    endpoint = model.endpoint
    if not endpoint.token_inputs and any(not isinstance(text, str) for text in request.inputs):
        raise InvalidRequest(f"input: '{model.name}' takes text, not token ids", param="input")
    common: dict[str, Any] = {"model": model.id}
    if endpoint.packed_vectors:
        common["encoding_format"] = "base64"  # a quarter of the bytes, and far faster to read
    if request.dimensions is not None:
        common["dimensions"] = request.dimensions
    if request.user is not None:
        common["user"] = request.user
    if request.dialect == NAME:
        common |= request.extra
        if request.purpose is not None:
            common["input_type"] = request.purpose
    size = endpoint.embeddings_batch
    batches = (request.inputs[start : start + size] for start in range(0, len(request.inputs), size))
    return [_encode({**common, "input": batch}) for batch in batches]
