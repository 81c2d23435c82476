"""Messages served to clients: their requests in, the gateway's answers out."""

from __future__ import annotations

from llm_gateway.dialects.anthropic import NAME
from llm_gateway.dialects.anthropic.parse import parse_count, parse_request
from llm_gateway.dialects.anthropic.render import render_result
from llm_gateway.dialects.anthropic.render_error import render_error
from llm_gateway.dialects.anthropic.render_stream import stream_encoder


class AnthropicServer:
    """The ServerDialect of `POST /v1/messages`, and the requests of `POST /v1/messages/count_tokens`."""

    __slots__ = ()

    name = NAME

    parse_request = staticmethod(parse_request)
    parse_count = staticmethod(parse_count)
    render_result = staticmethod(render_result)
    stream_encoder = staticmethod(stream_encoder)
    render_error = staticmethod(render_error)
