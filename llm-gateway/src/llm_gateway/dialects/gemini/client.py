"""Gemini as we speak it to Google: our requests out, its answers in.

A schema for the answer together with tools is passed on as it is: recent models take both, older ones answer 400.
"""

from __future__ import annotations

from llm_gateway.canonical import Request
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.dialects.gemini.decode import decode_result
from llm_gateway.dialects.gemini.decode_stream import StreamDecoder
from llm_gateway.dialects.gemini.embeddings import decode_embeddings, encode_embeddings
from llm_gateway.dialects.gemini.encode import NAME, dropped, encode_request
from llm_gateway.dialects.gemini.errors import decode_error
from llm_gateway.net.sse import SseDecoder

__all__ = [
    "CARRIES", "NAME", "STREAM_TYPE", "StreamDecoder", "decode_embeddings", "decode_error", "decode_result", "dropped",
    "encode_embeddings", "encode_request", "framing", "stream_decoder",
]  # fmt: skip

CARRIES = EVERYTHING - {"logit_bias", "parallel_tool_calls"}
STREAM_TYPE = "text/event-stream"


def framing(max_bytes: int = MAX_FRAME_BYTES) -> SseDecoder:
    return SseDecoder(max_bytes)


def stream_decoder(request: Request, model: Model) -> StreamDecoder:
    return StreamDecoder(model.provider)
