"""The gateway's own dialect served to clients: their requests in, its answers out."""

from __future__ import annotations

from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.native import NAME
from llm_gateway.dialects.native.parse import parse_request
from llm_gateway.dialects.native.render import render_result
from llm_gateway.dialects.native.render_stream import stream_encoder


class NativeServer:
    """The ServerDialect of `POST /mcp/llm/generate`."""

    __slots__ = ()

    name = NAME

    parse_request = staticmethod(parse_request)
    render_result = staticmethod(render_result)
    stream_encoder = staticmethod(stream_encoder)
    render_error = staticmethod(render_error)
