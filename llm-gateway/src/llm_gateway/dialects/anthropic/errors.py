"""A provider's error answers as types; its words are kept for the log alone.

Source: https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llm_gateway.dialects.common.failures import failure, shown, status_from_code
from llm_gateway.dialects.common.tolerant_json import loads
from llm_gateway.errors import UpstreamError

_TOO_LONG = re.compile(r"prompt is too long|exceeds? (?:the )?context (?:limit|window)", re.IGNORECASE)
"""For a prompt over the context the API has no code, only words: the one place where we read an error's text."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """A provider's error answer, as a type; its text is kept for the log alone.

    A success may come with an error too, which then decides; without one it is no answer at all.
    """
    parsed = loads(body)
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error_of(None if status < 300 and error else status, headers, error, body)


def error_of(status: int | None, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """The type for an error object; None is the status of one that came inside a 200, whose type then decides."""
    fields = error if isinstance(error, dict) else {"message": error, "type": error}
    message = fields.get("message")
    too_long = isinstance(message, str) and _TOO_LONG.search(message) is not None
    words = (fields.get("code"), fields.get("type"))
    if status is None:
        status = status_from_code(fields.get("code"))
    return failure(status, headers, shown(status, body), words, too_long=too_long)
