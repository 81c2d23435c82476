"""A provider's error answers as types; its words are kept for the log alone.

Source: https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from llm_gateway.dialects.anthropic.wire_answers import UNREADABLE
from llm_gateway.dialects.common.retry_after import retry_after
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

_TOO_LONG = re.compile(r"prompt is too long|exceeds? (?:the )?context (?:limit|window)", re.IGNORECASE)
"""For a prompt over the context the API has no code, only words: the one place where we read an error's text."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """A provider's error answer, as a type; its text is kept for the log alone."""
    try:
        parsed = msgspec.json.decode(body)
    except UNREADABLE:
        parsed = None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error_of(status, headers, error, body)


def error_of(status: int, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """The type for an error object; one that came inside a 200 has the status that its type stands for."""
    fields = error if isinstance(error, dict) else {}
    kind = fields.get("type")
    if status < 400:
        status = _STATUSES.get(kind, 500) if isinstance(kind, str) else 500
    detail = f"{status}: {body[:2000].decode('utf-8', 'replace')}"
    if status in (401, 403):
        return UpstreamCredentials(detail)
    if status == 402:
        return UpstreamRateLimited(detail, code="insufficient_quota", message="The provider's credit is used up.")
    if status == 429:
        return UpstreamRateLimited(detail, retry_after=retry_after(headers))
    if status in (408, 504):
        return UpstreamTimeout(detail)
    if status >= 500:
        return UpstreamUnavailable(detail, retry_after=retry_after(headers))
    return _rejection(status, fields.get("message"), detail)


def _rejection(status: int, message: Any, detail: str) -> UpstreamError:
    if status == 404:
        missing = UpstreamRejected(
            detail, code="upstream_model_not_found", message="The provider does not have this model."
        )
        missing.status, missing.retriable, missing.type = 404, True, "not_found_error"
        return missing
    code = text = None
    if status == 413:
        code, text = "request_too_large", "The request is larger than the provider takes."
    elif isinstance(message, str) and _TOO_LONG.search(message):
        code, text = "context_length_exceeded", "The request is longer than the model's context."
    rejected = UpstreamRejected(detail, code=code, message=text)
    rejected.type = "invalid_request_error"
    rejected.status = 413 if status == 413 else rejected.status
    return rejected
