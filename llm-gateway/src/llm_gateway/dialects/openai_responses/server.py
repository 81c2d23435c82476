"""Responses as our clients speak them: `POST /v1/responses`, without a store behind it."""

from __future__ import annotations

from llm_gateway.dialects.openai_responses.parse import NAME, parse_request
from llm_gateway.dialects.openai_responses.render import render_result
from llm_gateway.dialects.openai_responses.render_error import render_error
from llm_gateway.dialects.openai_responses.render_stream import StreamEncoder, stream_encoder

__all__ = ["NAME", "StreamEncoder", "parse_request", "render_error", "render_result", "stream_encoder"]
