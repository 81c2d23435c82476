"""Parses what a client of the prompt API's WebSocket sends."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from llm_gateway.canonical import Request
from llm_gateway.dialects.common.request_body import invalid, not_json
from llm_gateway.dialects.common.tolerant_json import UNREADABLE
from llm_gateway.dialects.prompt.parse import request_of
from llm_gateway.dialects.prompt.wire import PromptRequest
from llm_gateway.errors import InvalidRequest

CallId = Annotated[str, Meta(max_length=128)] | int | None
"""The client's own name of a call, which every message about it bears; None for a client that has one at a time."""


class Ask(msgspec.Struct, frozen=True):
    """A prompt. `user` and `session` are those that the message names."""

    id: CallId
    request: Request
    user: str | None
    session: str | None


class Cancel(msgspec.Struct, frozen=True):
    """The call `id` is to end."""

    id: CallId


class MisreadMessage(InvalidRequest):
    """A message that means nothing; `call_id` is the call that it names, as far as it could be read."""

    def __init__(self, error: InvalidRequest, call_id: CallId) -> None:
        super().__init__(error.message, param=error.param, code=error.code)
        self.call_id = call_id


class _Ask(PromptRequest, forbid_unknown_fields=True, rename="camel", kw_only=True):
    type: Literal["generate"] = "generate"
    id: CallId = None
    user_id: str | None = None
    session_id: str | None = None


class _Cancel(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["cancel"]
    id: CallId = None


class _Kind(msgspec.Struct):
    type: str = "generate"
    id: CallId = None


_kind, _ask, _cancel = msgspec.json.Decoder(_Kind), msgspec.json.Decoder(_Ask), msgspec.json.Decoder(_Cancel)


def parse_message(text: str) -> Ask | Cancel:
    """Returns what a message asks for.

    Raises:
        MisreadMessage: it is not JSON, of another type, or a field is missing, unknown or of the wrong type.
    """
    call_id: CallId = None
    try:
        kind = _kind.decode(text)
        call_id = kind.id
        if kind.type == "cancel":
            return Cancel(_cancel.decode(text).id)
        if kind.type != "generate":
            raise InvalidRequest("type: must be generate or cancel", param="type")
        sent = _ask.decode(text)
        return Ask(call_id, request_of(sent, stream=True), sent.user_id, sent.session_id)
    except msgspec.ValidationError as error:
        raise MisreadMessage(invalid(error), call_id) from None
    except UNREADABLE as error:
        raise MisreadMessage(not_json(error), call_id) from None
    except InvalidRequest as error:
        raise MisreadMessage(error, call_id) from None
