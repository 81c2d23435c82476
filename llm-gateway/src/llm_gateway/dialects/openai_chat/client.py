"""Chat completions as we speak them to a provider: our requests out, its answers in."""

from __future__ import annotations

from llm_gateway.canonical import Request
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.dialects.common.openai_errors import decode_error
from llm_gateway.dialects.openai_chat.decode import decode_result
from llm_gateway.dialects.openai_chat.decode_stream import StreamDecoder
from llm_gateway.dialects.openai_chat.encode import NAME, dropped, encode_request
from llm_gateway.net.sse import SseDecoder

__all__ = [
    "CARRIES", "NAME", "STREAM_TYPE", "StreamDecoder", "decode_error", "decode_result", "dropped", "encode_request",
    "framing", "stream_decoder",
]  # fmt: skip

CARRIES = EVERYTHING - {"top_k"}
"""A budget for thinking becomes an effort where the endpoint takes no other."""

STREAM_TYPE = "text/event-stream"


def framing(max_bytes: int = MAX_FRAME_BYTES) -> SseDecoder:
    return SseDecoder(max_bytes)


def stream_decoder(request: Request, model: Model) -> StreamDecoder:
    return StreamDecoder(model.provider)
