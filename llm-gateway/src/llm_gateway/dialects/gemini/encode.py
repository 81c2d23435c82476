"""A request as the body of `generateContent`."""

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
