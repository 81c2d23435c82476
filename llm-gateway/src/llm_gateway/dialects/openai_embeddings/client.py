"""Embeddings as we speak them to a provider: our texts out, its vectors in."""

from __future__ import annotations

from llm_gateway.dialects.common.openai_errors import decode_error
from llm_gateway.dialects.openai_embeddings.decode import decode_embeddings
from llm_gateway.dialects.openai_embeddings.encode import NAME, encode_embeddings

__all__ = ["NAME", "decode_embeddings", "decode_error", "encode_embeddings"]
