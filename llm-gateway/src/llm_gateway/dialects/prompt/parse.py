"""Parses requests of the prompt API."""

from __future__ import annotations

import msgspec

from llm_gateway.canonical import Message, Request, Text
from llm_gateway.dialects.common.request_body import in_range, invalid, not_json
from llm_gateway.dialects.common.tolerant_json import UNREADABLE
from llm_gateway.dialects.prompt import NAME
from llm_gateway.dialects.prompt.wire import LARGEST_BATCH, PromptRequest, RawBatch
from llm_gateway.errors import InvalidRequest

_decoder = msgspec.json.Decoder(PromptRequest)
_batch_decoder = msgspec.json.Decoder(RawBatch)


def parse_prompt(body: bytes | msgspec.Raw, *, stream: bool) -> Request:
    """Returns the canonical request in `body`.

    Raises:
        InvalidRequest: the body is not JSON, or a field is missing, unknown or of the wrong type; names the field.
    """
    try:
        sent = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except UNREADABLE as error:
        raise not_json(error) from None
    return request_of(sent, stream=stream)


def parse_batch(body: bytes) -> list[msgspec.Raw]:
    """Returns the items of a batch, each to be read by `parse_prompt`.

    Raises:
        InvalidRequest: the body is not JSON or no batch, or has no items or too many.
    """
    try:
        items = _batch_decoder.decode(body).requests
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except UNREADABLE as error:
        raise not_json(error) from None
    if not items:
        raise InvalidRequest("requests: at least one item is needed", param="requests")
    if len(items) > LARGEST_BATCH:
        raise InvalidRequest(
            f"requests: at most {LARGEST_BATCH} items, not {len(items)}", param="requests", code="batch_too_large"
        )
    return items


def request_of(sent: PromptRequest, *, stream: bool) -> Request:
    """Returns the canonical request that these fields describe.

    Raises:
        InvalidRequest: a field has a value that means nothing; names the field.
    """
    if not sent.prompt.strip():
        raise InvalidRequest("prompt: must not be empty", param="prompt")
    system = _system(sent)
    asked = Message(role="user", content=(Text(text=sent.prompt),))
    return Request(
        model=sent.model,
        provider=sent.provider or None,
        messages=(Message(role="system", content=(Text(text=system),)), asked) if system else (asked,),
        temperature=in_range(sent.temperature, "temperature", 0, 2),
        max_tokens=in_range(sent.max_tokens, "maxTokens", 1),
        stream=stream,
        include_usage=True,
        dialect=NAME,
    )


def _system(sent: PromptRequest) -> str | None:
    if sent.system and sent.system_prompt and sent.system != sent.system_prompt:
        raise InvalidRequest("systemPrompt: differs from system; send one of the two", param="systemPrompt")
    return sent.system or sent.system_prompt
