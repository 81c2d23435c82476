"""Embeddings as our clients speak them: their texts in, our vectors out."""

from __future__ import annotations

from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.openai_embeddings.parse import MOST_INPUTS, parse_request
from llm_gateway.dialects.openai_embeddings.render import render_result
from llm_gateway.dialects.openai_embeddings.wire import EmbeddingsRequest

__all__ = ["MOST_INPUTS", "EmbeddingsRequest", "parse_request", "render_error", "render_result"]
