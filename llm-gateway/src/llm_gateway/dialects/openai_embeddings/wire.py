"""The JSON of a request for embeddings, as a struct."""

from __future__ import annotations

from typing import Literal

import msgspec

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
