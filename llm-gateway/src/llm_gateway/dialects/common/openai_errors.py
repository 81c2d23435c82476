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


_MESSAGES = ("message", "Message", "msg", "detail")
_STATUSES = ("code", "status", "status_code", "statusCode", "http_status", "http_code")
"""Where servers write the status, or a word in its place."""


def _error_in(body: bytes) -> Any:
    """Returns the error in any of the known forms: `{"error": …}`, a list of that, `{"errors": […]}`,
    `{"response": {"error": …}}`, and an object that is an error as a whole."""
    parsed = _first(loads(body))
    if not isinstance(parsed, dict):
        return None
    response = parsed.get("response")
    inner = response.get("error") if isinstance(response, dict) else None
    error = _first(parsed.get("error") or parsed.get("errors") or inner)
    if error and error is not True:
        return error
    whole = error is True or parsed.get("object") == "error" or parsed.get("type") == "error" or _complains(parsed)
    return parsed if whole else None


def _first(value: Any) -> Any:
    """Returns the first item of a list, and anything else as it is."""
    return value[0] if isinstance(value, list) and value else value


def _complains(fields: Mapping[str, Any]) -> bool:
    """Whether an object has a message and says of what kind it is, as only errors do."""
    told = any(isinstance(fields.get(name), str) for name in _MESSAGES)
    return told and any(isinstance(fields.get(name), str | int | float) for name in (*_STATUSES, "type", "__type"))


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
        _exception(fields.get("__type")),
    )
    too_long = isinstance(message, str) and _SAYS_TOO_LONG.search(message) is not None
    return failure(status, headers, shown(status, body), words, too_long=too_long, param=fields.get("param"))


def _exception(name: Any) -> Any:
    """Returns the name of an exception of AWS without what may stand around it."""
    return name.partition(":")[0].rpartition("#")[2] if isinstance(name, str) else None


def _moderated(fields: Mapping[str, Any]) -> bool:
    """Whether OpenRouter's moderation refused the request; its status is the same as for a wrong key."""
    metadata = fields.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("reasons") or metadata.get("flagged_input"))


def status_of(error: Any) -> int | None:
    """Returns the status that an error inside a 200 names as its code (OpenRouter, vLLM) or in a field for it."""
    if not isinstance(error, dict):
        return None
    found = (status_from_code(error.get(name)) for name in _STATUSES)
    return next((status for status in found if status is not None), None)
