"""A provider's error answers as types; its words are kept for the log alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from llm_gateway.dialects.common.retry_after import retry_after
from llm_gateway.dialects.openai_chat import wire
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_TOO_LONG = ("context_length_exceeded", "The request is longer than the model's context.")
_FORBIDDEN = ("content_policy_violation", "The provider's content policy refused this request.")

_REJECTIONS = {
    "context_length_exceeded": _TOO_LONG,
    "string_above_max_length": _TOO_LONG,
    "exceed_context_size_error": _TOO_LONG,
    "content_filter": _FORBIDDEN,
    "content_policy_violation": _FORBIDDEN,
    "ResponsibleAIPolicyViolation": _FORBIDDEN,
}

_SAYS_TOO_LONG = re.compile(
    r"maximum context length|context (?:length|window|size).{0,40}exceed|exceeds? (?:the |its )?(?:\w+ )?context"
    r"|prompt is too long|too large for model",
    re.IGNORECASE,
)
"""Most servers with OpenAI's API have no code for a prompt that is too long, only words."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """A provider's error answer, as a type; its text is kept for the log alone."""
    return error_of(status, headers, _error_in(body), body)


def hidden_error(body: bytes) -> UpstreamError | None:
    """The error that came with status 200 in a form of its own, if it is one: in a list, or as the whole object."""
    error = _error_in(body)
    return None if error is None else error_of(status_of(error), {}, error, body)


def _error_in(body: bytes) -> Any:
    """The error in any of the forms that are around: `{"error": …}`, a list of that, `{"object": "error", …}`."""
    try:
        parsed = msgspec.json.decode(body)
    except wire.UNREADABLE:
        return None
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return None
    return parsed if parsed.get("object") == "error" else parsed.get("error")


def error_of(status: int, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """The type for an error object that came with, or stands for, this status."""
    detail = f"{status}: {body[:2000].decode('utf-8', 'replace')}"
    fields = error if isinstance(error, dict) else {"message": error}
    code = fields.get("code") if isinstance(fields.get("code"), str) else None
    if status == 403 and _moderated(fields):
        return _rejection(400, _FORBIDDEN, None, detail)
    if status in (401, 403):
        return UpstreamCredentials(detail)
    if status == 402 or (status == 429 and code == "insufficient_quota"):
        return UpstreamRateLimited(
            detail, code="insufficient_quota", message="The provider's quota is used up.",
            retry_after=retry_after(headers),
        )  # fmt: skip
    if status == 429:
        return UpstreamRateLimited(detail, retry_after=retry_after(headers))
    if status in (408, 504):
        return UpstreamTimeout(detail)
    if status >= 500:
        return UpstreamUnavailable(detail, retry_after=retry_after(headers))
    return _rejection(status, _known(fields), fields.get("param"), detail)


def _moderated(fields: Mapping[str, Any]) -> bool:
    """Whether it was OpenRouter's moderation, which has the status of a wrong key."""
    metadata = fields.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("reasons") or metadata.get("flagged_input"))


def _known(fields: Mapping[str, Any]) -> tuple[str, str] | None:
    """Our code and words for a rejection, from its code, its type, Azure's inner code, or its words."""
    inner = fields.get("innererror")
    named = (fields.get("code"), fields.get("type"), inner.get("code") if isinstance(inner, dict) else None)
    for name in named:
        if isinstance(name, str) and name in _REJECTIONS:
            return _REJECTIONS[name]
    message = fields.get("message")
    return _TOO_LONG if isinstance(message, str) and _SAYS_TOO_LONG.search(message) else None


def _rejection(status: int, known: tuple[str, str] | None, param: Any, detail: str) -> UpstreamError:
    if status == 404:
        missing = UpstreamRejected(
            detail, code="upstream_model_not_found", message="The provider does not have this model."
        )
        missing.status, missing.retriable, missing.type = 404, True, "not_found_error"
        return missing
    rejected = UpstreamRejected(detail, code=known and known[0], message=known and known[1])
    rejected.type = "invalid_request_error"
    rejected.param = param if isinstance(param, str) and len(param) <= 200 else None
    return rejected


def status_of(error: Any) -> int:
    """The status of an error that came inside a 200: its numeric code (OpenRouter, vLLM), else a server error."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code.isdecimal():
        code = int(code)
    return code if isinstance(code, int) and 400 <= code < 600 else 502
