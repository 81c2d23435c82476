"""Gemini spoken to Google: the gateway's requests out, Google's answers in.

A schema for the answer together with tools is passed on as it is: recent models take both, older ones answer 400.
"""

from __future__ import annotations

from llm_gateway.canonical import Request
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.dialects.gemini import NAME
from llm_gateway.dialects.gemini.decode import decode_result
from llm_gateway.dialects.gemini.decode_stream import StreamDecoder
from llm_gateway.dialects.gemini.embeddings import decode_embeddings, encode_embeddings
from llm_gateway.dialects.gemini.encode import dropped, encode_request
from llm_gateway.dialects.gemini.errors import decode_error
from llm_gateway.net.sse import SseDecoder


class GeminiClient:
    """The ClientDialect and the EmbeddingDialect of Google's models."""

    __slots__ = ()

    name = NAME
    carries = EVERYTHING - {"logit_bias", "parallel_tool_calls"}
    stream_type = "text/event-stream"

    encode_request = staticmethod(encode_request)
    dropped = staticmethod(dropped)
    decode_result = staticmethod(decode_result)
    decode_error = staticmethod(decode_error)
    encode_embeddings = staticmethod(encode_embeddings)
    decode_embeddings = staticmethod(decode_embeddings)

    def framing(self, max_bytes: int = MAX_FRAME_BYTES) -> SseDecoder:
        return SseDecoder(max_bytes)

    def stream_decoder(self, request: Request, model: Model) -> StreamDecoder:
        return StreamDecoder(model.provider)
