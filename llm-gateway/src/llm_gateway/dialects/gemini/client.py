"""Gemini as we speak it to Google: our requests out, its answers in.

A schema for the answer together with tools is passed on as it is: recent models take both, older ones answer 400.
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Request, Result
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.dialects.gemini.decode_stream import StreamDecoder
from llm_gateway.dialects.gemini.embeddings import decode_embeddings, encode_embeddings
from llm_gateway.dialects.gemini.encode_config import generation_config, tools
from llm_gateway.dialects.gemini.encode_messages import Conversation
from llm_gateway.dialects.gemini.errors import decode_error
from llm_gateway.net.sse import SseDecoder

__all__ = [
    "CARRIES", "NAME", "STREAM_TYPE", "StreamDecoder", "decode_embeddings", "decode_error", "decode_result", "dropped",
    "encode_embeddings", "encode_request", "framing", "stream_decoder",
]  # fmt: skip

NAME = "gemini"
CARRIES = EVERYTHING - {"logit_bias", "parallel_tool_calls"}
STREAM_TYPE = "text/event-stream"

_encode = msgspec.json.Encoder().encode


def encode_request(request: Request, model: Model) -> bytes:
    """The body that asks `model` for `request`; whether it is streamed is said by the address alone.

    Raises:
        InvalidRequest: Gemini cannot be told this.
    """
    conversation = Conversation(request.messages, model)
    body: dict[str, Any] = {"contents": conversation.contents}
    if conversation.system:
        body["systemInstruction"] = {"parts": conversation.system}
    body.update(tools(request))
    config = generation_config(request, model)
    if config:
        body["generationConfig"] = config
    if request.dialect == NAME:
        body.update(request.extra)
    body.update(model.endpoint.extra_body)
    return _encode(body)


def dropped(request: Request, model: Model) -> tuple[str, ...]:
    """What of `request` is not sent: hints, fields of other dialects, the user, whom Gemini does not ask for, and
    caching marks, since it finds by itself what a prompt shares with earlier ones."""
    foreign = () if request.dialect == NAME else tuple(request.extra)
    named = ("user",) if request.user is not None else ()
    return (*request.hints, *foreign, *named, *(("cache_control",) if _has_marks(request) else ()))


def _has_marks(request: Request) -> bool:
    for message in request.messages:
        for part in message.content:
            if getattr(part, "cache", None):
                return True
    return any(tool.cache for tool in request.tools)


def decode_result(body: bytes, request: Request, model: Model) -> Result:
    """A whole `GenerateContentResponse`.

    Raises:
        UpstreamProtocol: it is none, or it is not whole.
        UpstreamError: it is an error that came with status 200, or says that the prompt was blocked.
    """
    decoder, whole = StreamDecoder(model.provider), Aggregate()
    whole.feed(decoder.feed(body))
    whole.feed(decoder.finish())
    return msgspec.structs.replace(whole.result(), id=decoder.id, model=decoder.model)


def framing(max_bytes: int = MAX_FRAME_BYTES) -> SseDecoder:
    return SseDecoder(max_bytes)


def stream_decoder(request: Request, model: Model) -> StreamDecoder:
    return StreamDecoder(model.provider)
