"""Converse as we speak it: our requests out. Answers come in by `client_answers` and `client_stream`."""

from __future__ import annotations

from llm_gateway.dialects.bedrock.decode import decode_result
from llm_gateway.dialects.bedrock.decode_stream import StreamDecoder, stream_decoder
from llm_gateway.dialects.bedrock.embeddings import decode_embeddings, encode_embeddings
from llm_gateway.dialects.bedrock.encode import NAME, dropped, encode_request
from llm_gateway.dialects.bedrock.errors import decode_error
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.net.event_stream import CONTENT_TYPE, EventStreamDecoder

__all__ = [
    "CARRIES", "NAME", "STREAM_TYPE", "StreamDecoder", "decode_embeddings", "decode_error", "decode_result", "dropped",
    "encode_embeddings", "encode_request", "framing", "stream_decoder",
]  # fmt: skip

CARRIES = frozenset(
    {
        "tools", "tool_choice", "response_format", "temperature", "top_p", "top_k", "max_tokens", "stop",
        "reasoning_effort", "reasoning_budget",
    }
)  # fmt: skip
STREAM_TYPE = CONTENT_TYPE


def framing(max_bytes: int = MAX_FRAME_BYTES) -> EventStreamDecoder:
    return EventStreamDecoder(max_bytes)
