"""The prompt API's dialect served to clients: their requests in, its answers out."""

from __future__ import annotations

from llm_gateway.canonical import Request
from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.prompt import NAME
from llm_gateway.dialects.prompt.parse import parse_prompt
from llm_gateway.dialects.prompt.render import render_result
from llm_gateway.dialects.prompt.render_stream import stream_encoder


class PromptServer:
    """The ServerDialect of `POST /api/v1/generate`; of `/api/v1/generate/stream` where `stream` is true."""

    __slots__ = ("_stream",)

    name = NAME

    def __init__(self, *, stream: bool = False) -> None:
        self._stream = stream

    def parse_request(self, body: bytes) -> Request:
        return parse_prompt(body, stream=self._stream)

    render_result = staticmethod(render_result)
    stream_encoder = staticmethod(stream_encoder)
    render_error = staticmethod(render_error)
