"""Chat completions as our clients speak them: their requests in, our answers out."""

from __future__ import annotations

from llm_gateway.dialects.common.parse_openai import content_parts, response_format, tool_choice
from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.common.request_body import within
from llm_gateway.dialects.openai_chat.parse import NAME, parse_request
from llm_gateway.dialects.openai_chat.render import render_message, render_result, render_usage
from llm_gateway.dialects.openai_chat.render_stream import StreamEncoder, stream_encoder

__all__ = [
    "NAME",
    "StreamEncoder",
    "content_parts",
    "parse_request",
    "render_error",
    "render_message",
    "render_result",
    "render_usage",
    "response_format",
    "stream_encoder",
    "tool_choice",
    "within",
]
