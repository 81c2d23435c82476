"""Encodes a request as the body of `generateContent`."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Request
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.gemini import NAME
from llm_gateway.dialects.gemini.encode_config import generation_config, tools
from llm_gateway.dialects.gemini.encode_messages import Conversation

_encode = msgspec.json.Encoder().encode


def encode_request(request: Request, model: Model) -> bytes:
    """Returns the body that sends `request` to `model`. Only the URL says whether the answer is streamed.

    Raises:
        InvalidRequest: Gemini does not support something in the request.
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
    """Returns the names of what is not sent: hints, fields of other dialects, `user`, and cache marks, which Gemini
    does not need."""
    foreign = () if request.dialect == NAME else tuple(request.extra)
    named = ("user",) if request.user is not None else ()
    return (*request.hints, *foreign, *named, *(("cache_control",) if _has_marks(request) else ()))


def _has_marks(request: Request) -> bool:
    for message in request.messages:
        for part in message.content:
            if getattr(part, "cache", None):
                return True
    return any(tool.cache for tool in request.tools)
