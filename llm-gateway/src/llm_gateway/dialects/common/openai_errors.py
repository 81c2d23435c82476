"""Decodes error answers in OpenAI's form. Their messages go to the log alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llm_gateway.dialects.common.failures import failure, shown, status_from_code
from llm_gateway.dialects.common.tolerant_json import loads
from llm_gateway.errors import UpstreamError

_SAYS_TOO_LONG = re.compile(
    r"maximum context length|context (?:length|window|size).{0,40}exceed|exceeds? (?:the |its )?(?:\w+ )?context"
    r"|prompt is too long|too large for model",
    re.IGNORECASE,
)
"""Recognizes a prompt that is too long, for which most servers with OpenAI's API have no code."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Returns the error for an answer with this status.

    If a status below 300 comes with an error object, that object decides; without one the body is a protocol error.
    """
    error = _error_in(body)
    if status < 300 and error:
        return error_of(status_of(error), headers, error, body)
    return error_of(status, headers, error, body)


def hidden_error(body: bytes) -> UpstreamError | None:
    """Returns the error in a body with status 200 that is not in the usual place (in a list, or the whole object), or
    None."""
    error = _error_in(body)
    return error_of(status_of(error), {}, error, body) if error else None


def _error_in(body: bytes) -> Any:
    """Returns the error in any of the known forms: `{"error": …}`, a list of that, `{"object": "error", …}`."""
    parsed = loads(body)
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return None
    whole = parsed.get("object") == "error" or parsed.get("type") == "error"
    return parsed if whole and not parsed.get("error") else parsed.get("error")


def error_of(status: int | None, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """Returns the error for an error object; `status` is None for one inside a 200."""
    fields = error if isinstance(error, dict) else {"message": error, "code": error}
    inner = fields.get("innererror")
    message = fields.get("message")
    words = (
        "content_policy_violation" if status == 403 and _moderated(fields) else None,
        inner.get("code") if isinstance(inner, dict) else None,
        fields.get("code"),
        fields.get("type"),
        fields.get("status"),
    )
    too_long = isinstance(message, str) and _SAYS_TOO_LONG.search(message) is not None
    return failure(status, headers, shown(status, body), words, too_long=too_long, param=fields.get("param"))


def _moderated(fields: Mapping[str, Any]) -> bool:
    """Whether OpenRouter's moderation refused the request; its status is the same as for a wrong key."""
    metadata = fields.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("reasons") or metadata.get("flagged_input"))


def status_of(error: Any) -> int | None:
    """Returns the status of an error inside a 200, if its code is one (OpenRouter, vLLM)."""
    return status_from_code(error.get("code") if isinstance(error, dict) else None)
