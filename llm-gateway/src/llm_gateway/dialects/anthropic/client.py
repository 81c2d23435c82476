"""Messages as we speak them to a provider: our requests out, its answers in.

Headers of a client (`anthropic-beta`) are not passed on: what a beta adds to the body is, from a client of this
dialect to a provider of it.
"""

from __future__ import annotations

from llm_gateway.canonical import Request
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.anthropic.decode import decode_result
from llm_gateway.dialects.anthropic.decode_stream import StreamDecoder
from llm_gateway.dialects.anthropic.encode import encode_request
from llm_gateway.dialects.anthropic.encode_format import NAME, form_of
from llm_gateway.dialects.anthropic.errors import decode_error
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.net.sse import SseDecoder

__all__ = [
    "CARRIES", "NAME", "STREAM_TYPE", "StreamDecoder", "decode_error", "decode_result", "dropped", "encode_request",
    "framing", "stream_decoder",
]  # fmt: skip

CARRIES = EVERYTHING - {
    "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n", "logprobs", "top_logprobs",
}  # fmt: skip
STREAM_TYPE = "text/event-stream"


def dropped(request: Request, model: Model) -> tuple[str, ...]:
    """What of `request` is not sent: fields that another dialect's client gave."""
    return () if request.dialect == NAME else (*request.hints, *request.extra)


def framing(max_bytes: int = MAX_FRAME_BYTES) -> SseDecoder:
    return SseDecoder(max_bytes)


def stream_decoder(request: Request, model: Model) -> StreamDecoder:
    answer = form_of(request, model).tool
    return StreamDecoder(model.provider, answer and answer.name)
