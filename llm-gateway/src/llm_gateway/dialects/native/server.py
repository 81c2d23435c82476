"""The gateway's own dialect, spoken as a server: `/mcp/llm/generate`.

Messages are OpenAI's in shape; tool calls have their arguments as an object (`args`), and an answer carries
its provenance and its cost.
"""

from __future__ import annotations

from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.native.parse import NAME, parse_request
from llm_gateway.dialects.native.render import render_result, render_usage
from llm_gateway.dialects.native.render_stream import StreamEncoder, stream_encoder
from llm_gateway.dialects.native.wire import GenerateRequest, ReasoningDetail

__all__ = [
    "NAME",
    "GenerateRequest",
    "ReasoningDetail",
    "StreamEncoder",
    "parse_request",
    "render_error",
    "render_result",
    "render_usage",
    "stream_encoder",
]
