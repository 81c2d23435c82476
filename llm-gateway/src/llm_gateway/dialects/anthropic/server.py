"""Messages as our clients speak them: their requests in, our answers out."""

from __future__ import annotations

from llm_gateway.dialects.anthropic.parse import NAME, parse_count, parse_request
from llm_gateway.dialects.anthropic.render import render_result
from llm_gateway.dialects.anthropic.render_error import render_error
from llm_gateway.dialects.anthropic.render_stream import StreamEncoder, stream_encoder

__all__ = [
    "NAME", "StreamEncoder", "parse_count", "parse_request", "render_error", "render_result", "stream_encoder",
]  # fmt: skip
