"""Chat completions spoken to a provider: the gateway's requests out, the provider's answers in."""

from __future__ import annotations

from llm_gateway.canonical import Request
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.dialects.common.openai_errors import decode_error
from llm_gateway.dialects.openai_chat import NAME
from llm_gateway.dialects.openai_chat.decode import decode_result
from llm_gateway.dialects.openai_chat.decode_stream import StreamDecoder
from llm_gateway.dialects.openai_chat.encode import dropped, encode_request
from llm_gateway.net.sse import SseDecoder


class OpenAIChatClient:
    """The ClientDialect of OpenAI and of all servers with its API."""

    __slots__ = ()

    name = NAME
    carries = EVERYTHING - {"top_k"}
    """A thinking budget is sent as an effort, except where the endpoint takes a budget."""
    stream_type = "text/event-stream"

    encode_request = staticmethod(encode_request)
    dropped = staticmethod(dropped)
    decode_result = staticmethod(decode_result)
    decode_error = staticmethod(decode_error)

    def framing(self, max_bytes: int = MAX_FRAME_BYTES) -> SseDecoder:
        return SseDecoder(max_bytes)

    def stream_decoder(self, request: Request, model: Model) -> StreamDecoder:
        return StreamDecoder(model.provider)
