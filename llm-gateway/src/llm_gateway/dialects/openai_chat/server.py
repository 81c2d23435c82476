"""Chat completions served to clients: their requests in, the gateway's answers out."""

from __future__ import annotations

from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.openai_chat import NAME
from llm_gateway.dialects.openai_chat.parse import parse_request
from llm_gateway.dialects.openai_chat.render import render_result
from llm_gateway.dialects.openai_chat.render_stream import stream_encoder


class OpenAIChatServer:
    """The ServerDialect of `POST /v1/chat/completions`."""

    __slots__ = ()

    name = NAME

    parse_request = staticmethod(parse_request)
    render_result = staticmethod(render_result)
    stream_encoder = staticmethod(stream_encoder)
    render_error = staticmethod(render_error)
