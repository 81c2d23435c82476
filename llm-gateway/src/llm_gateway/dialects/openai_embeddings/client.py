"""Embeddings asked of a provider: texts out, vectors in."""

from __future__ import annotations

from llm_gateway.dialects.common.openai_errors import decode_error
from llm_gateway.dialects.openai_embeddings import NAME
from llm_gateway.dialects.openai_embeddings.decode import decode_embeddings
from llm_gateway.dialects.openai_embeddings.encode import encode_embeddings


class OpenAIEmbeddingsClient:
    """The EmbeddingDialect of OpenAI and of all servers with its API."""

    __slots__ = ()

    name = NAME

    encode_embeddings = staticmethod(encode_embeddings)
    decode_embeddings = staticmethod(decode_embeddings)
    decode_error = staticmethod(decode_error)
