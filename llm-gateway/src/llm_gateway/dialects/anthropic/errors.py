"""Decodes a provider's error answers. Its message goes to the log alone.

Source: https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llm_gateway.dialects.common.failures import failure, shown, status_from_code
from llm_gateway.dialects.common.openai_errors import hidden_error
from llm_gateway.dialects.common.tolerant_json import loads
from llm_gateway.errors import UpstreamError

_TOO_LONG = re.compile(r"prompt is too long|exceeds? (?:the )?context (?:limit|window)", re.IGNORECASE)
"""Recognizes a prompt that is too long, for which the API has no code. No other error is recognized by its text."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Returns the error for an answer with this status.

    If a status below 300 comes with an error object, that object decides; without one the body is a protocol error.
    """
    parsed = loads(body)
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if status < 300 and not error and (hidden := hidden_error(body)) is not None:
        return hidden
    return error_of(None if status < 300 and error else status, headers, error, body)


def error_of(status: int | None, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """Returns the error for an error object. `status` is None for one inside a 200, where the object's type decides."""
    fields = error if isinstance(error, dict) else {"message": error, "type": error}
    message = fields.get("message")
    too_long = isinstance(message, str) and _TOO_LONG.search(message) is not None
    words = (fields.get("code"), fields.get("type"))
    if status is None:
        status = status_from_code(fields.get("code"))
    return failure(status, headers, shown(status, body), words, too_long=too_long)
