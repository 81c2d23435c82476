"""Messages spoken to a provider: the gateway's requests out, the provider's answers in.

A client's headers (`anthropic-beta`) are not passed on. What a beta adds to the body is, from a client of this dialect
to a provider of it.
"""

from __future__ import annotations

from llm_gateway.canonical import Request
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.anthropic import NAME
from llm_gateway.dialects.anthropic.decode import decode_result
from llm_gateway.dialects.anthropic.decode_stream import StreamDecoder
from llm_gateway.dialects.anthropic.encode import dropped, encode_request
from llm_gateway.dialects.anthropic.encode_format import format_plan
from llm_gateway.dialects.anthropic.errors import decode_error
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.net.sse import SseDecoder


class AnthropicClient:
    """The ClientDialect of Anthropic's API."""

    __slots__ = ()

    name = NAME
    carries = EVERYTHING - {
        "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n", "logprobs", "top_logprobs",
    }  # fmt: skip
    stream_type = "text/event-stream"

    encode_request = staticmethod(encode_request)
    dropped = staticmethod(dropped)
    decode_result = staticmethod(decode_result)
    decode_error = staticmethod(decode_error)

    def framing(self, max_bytes: int = MAX_FRAME_BYTES) -> SseDecoder:
        return SseDecoder(max_bytes)

    def stream_decoder(self, request: Request, model: Model) -> StreamDecoder:
        answer = format_plan(request, model).tool
        return StreamDecoder(model.provider, answer and answer.name)
