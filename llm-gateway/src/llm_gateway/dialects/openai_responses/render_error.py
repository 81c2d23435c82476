"""Renders errors in OpenAI's envelope, with the field names of Responses."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from service_kit.errors import ApiError, error_body

_NAMES = {
    "logprobs": "top_logprobs", "max_tokens": "max_output_tokens", "messages": "input",
    "reasoning_budget": "reasoning.effort", "reasoning_effort": "reasoning.effort", "response_format": "text.format",
}  # fmt: skip
"""The names in Responses of canonical fields."""


def render_error(error: ApiError, request_id: str) -> bytes:
    """`{"error": {"message", "type", "code", "param", "request_id"}}`."""
    return msgspec.json.encode({"error": error_object(error, request_id)})


def error_object(error: ApiError, request_id: str) -> dict[str, Any]:
    """Returns the error object. A field's name at the start of the message is replaced by the one that the client
    knows."""
    shown: dict[str, Any] = error_body(error, request_id)["error"]
    canonical = shown["param"] or ""
    name = _NAMES.get(re.split(r"[.\[]", canonical)[0])
    if name is not None:
        shown["param"] = name
        if shown["message"].startswith(canonical):
            shown["message"] = name + shown["message"].removeprefix(canonical)
    return shown
