"""Bedrock spoken to AWS: the gateway's requests out, the answers of Converse and InvokeModel in."""

from __future__ import annotations

from llm_gateway.dialects.bedrock import NAME
from llm_gateway.dialects.bedrock.decode import decode_result
from llm_gateway.dialects.bedrock.decode_stream import stream_decoder
from llm_gateway.dialects.bedrock.embeddings import decode_embeddings, encode_embeddings
from llm_gateway.dialects.bedrock.encode import dropped, encode_request
from llm_gateway.dialects.bedrock.errors import decode_error
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.net.event_stream import CONTENT_TYPE, EventStreamDecoder

_CARRIES = (
    "tools", "tool_choice", "response_format", "temperature", "top_p", "top_k", "max_tokens", "stop",
    "reasoning_effort", "reasoning_budget",
)  # fmt: skip


class BedrockClient:
    """The ClientDialect and the EmbeddingDialect of the models on Bedrock."""

    __slots__ = ()

    name = NAME
    carries = frozenset(_CARRIES)
    stream_type = CONTENT_TYPE

    encode_request = staticmethod(encode_request)
    dropped = staticmethod(dropped)
    decode_result = staticmethod(decode_result)
    decode_error = staticmethod(decode_error)
    stream_decoder = staticmethod(stream_decoder)
    encode_embeddings = staticmethod(encode_embeddings)
    decode_embeddings = staticmethod(decode_embeddings)

    def framing(self, max_bytes: int = MAX_FRAME_BYTES) -> EventStreamDecoder:
        return EventStreamDecoder(max_bytes)
