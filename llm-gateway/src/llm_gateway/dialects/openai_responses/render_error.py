"""Errors in OpenAI's envelope, about fields as Responses call them."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from service_kit.errors import ApiError, error_body

_NAMES = {
    "logprobs": "top_logprobs", "max_tokens": "max_output_tokens", "messages": "input",
    "reasoning_budget": "reasoning.effort", "reasoning_effort": "reasoning.effort", "response_format": "text.format",
}  # fmt: skip
"""Fields of a canonical request that a Responses request has by another name."""


def render_error(error: ApiError, request_id: str) -> bytes:
    """`{"error": {"message", "type", "code", "param", "request_id"}}`."""
    return msgspec.json.encode({"error": error_object(error, request_id)})


def error_object(error: ApiError, request_id: str) -> dict[str, Any]:
    """The error itself. A message that begins with its field's name does so with the name that the client knows."""
    shown: dict[str, Any] = error_body(error, request_id)["error"]
    canonical = shown["param"] or ""
    name = _NAMES.get(re.split(r"[.\[]", canonical)[0])
    if name is not None:
        shown["param"] = name
        if shown["message"].startswith(canonical):
            shown["message"] = name + shown["message"].removeprefix(canonical)
    return shown
