"""A provider's error answers as types; its words are kept for the log alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from llm_gateway.dialects.openai_chat import wire
from llm_gateway.dialects.retry_after import retry_after
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_REJECTIONS = {
    "context_length_exceeded": ("context_length_exceeded", "The request is longer than the model's context."),
    "string_above_max_length": ("context_length_exceeded", "The request is longer than the model's context."),
    "content_filter": ("content_policy_violation", "The provider's content policy refused this request."),
    "content_policy_violation": ("content_policy_violation", "The provider's content policy refused this request."),
}


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """A provider's error answer, as a type; its text is kept for the log alone."""
    try:
        parsed = msgspec.json.decode(body)
    except wire.UNREADABLE:
        parsed = None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error_of(status, headers, error, body)


def error_of(status: int, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """The type for an error object that came with, or stands for, this status."""
    detail = f"{status}: {body[:2000].decode('utf-8', 'replace')}"
    fields = error if isinstance(error, dict) else {}
    code = fields.get("code") if isinstance(fields.get("code"), str) else None
    if status in (401, 403):
        return UpstreamCredentials(detail)
    if status == 429:
        quota = {"code": "insufficient_quota"} if code == "insufficient_quota" else {}
        return UpstreamRateLimited(detail, retry_after=retry_after(headers), **quota)
    if status in (408, 504):
        return UpstreamTimeout(detail)
    if status >= 500:
        return UpstreamUnavailable(detail, retry_after=retry_after(headers))
    return _rejection(status, code, fields.get("param"), detail)


def _rejection(status: int, code: str | None, param: Any, detail: str) -> UpstreamError:
    if status == 404:
        missing = UpstreamRejected(
            detail, code="upstream_model_not_found", message="The provider does not have this model."
        )
        missing.status, missing.retriable, missing.type = 404, True, "not_found_error"
        return missing
    known = _REJECTIONS.get(code or "")
    rejected = UpstreamRejected(detail, code=known and known[0], message=known and known[1])
    rejected.type = "invalid_request_error"
    rejected.param = param if isinstance(param, str) and len(param) <= 200 else None
    return rejected


def status_of(error: Any) -> int:
    """The status of an error that came inside a 200: OpenRouter's numeric code, else a server error."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502
