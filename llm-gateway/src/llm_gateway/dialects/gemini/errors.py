"""Google's error answers (`google.rpc.Status`) as types; its words are kept for the log alone.

Sources: https://ai.google.dev/gemini-api/docs/troubleshooting and https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from llm_gateway.dialects.common.retry_after import retry_after
from llm_gateway.dialects.gemini import wire
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_TOO_LONG = "exceeds the maximum number of tokens"
"""Google has no code for this: the sentence is all there is to tell it by."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An error answer as a type; it comes as an object, or as the first of an array."""
    try:
        parsed = msgspec.json.decode(body)
    except wire.UNREADABLE:
        parsed = None
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    return error_of(status, headers, parsed.get("error") if isinstance(parsed, dict) else None, body)


def error_of(status: int, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """The type for an error object that came with, or stands for, this status."""
    detail = f"{status}: {body[:2000].decode('utf-8', 'replace')}"
    fields: dict[str, Any] = error if isinstance(error, dict) else {}
    details = [item for item in fields.get("details") or () if isinstance(item, dict)] if _listed(fields) else []
    if status in (401, 403) or (status == 400 and _is_about_us(fields, details)):
        return UpstreamCredentials(detail)
    if status == 429:
        return UpstreamRateLimited(detail, retry_after=_delay(details, headers))
    if status in (408, 504):
        return UpstreamTimeout(detail)
    if status >= 500:
        return UpstreamUnavailable(detail, retry_after=_delay(details, headers))
    return _rejection(status, str(fields.get("message")), detail)


def status_of(error: Any) -> int:
    """The status of an error that came inside a stream that had begun well."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502


def policy_violation(reason: str | None, detail: str) -> UpstreamRejected:
    """A prompt that Google would not answer, as OpenAI says it."""
    rejected = UpstreamRejected(
        f"{reason}: {detail}",
        code="content_policy_violation",
        message="The provider's content policy refused this request.",
    )
    rejected.type = "invalid_request_error"
    return rejected


def _listed(fields: dict[str, Any]) -> bool:
    return isinstance(fields.get("details"), list)


def _is_about_us(fields: dict[str, Any], details: list[dict[str, Any]]) -> bool:
    """A key that is not valid, or an account that may not ask (its country, its billing), is a 400 too."""
    reasons = [item.get("reason") for item in details]
    return fields.get("status") == "FAILED_PRECONDITION" or any(
        isinstance(reason, str) and reason.startswith("API_KEY_") for reason in reasons
    )


def _delay(details: list[dict[str, Any]], headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: `google.rpc.RetryInfo` says `{"retryDelay": "17.5s"}`, else the headers may."""
    for item in details:
        delay = item.get("retryDelay")
        if isinstance(delay, str):
            found = retry_after({"retry-after": delay.removesuffix("s")})
            if found is not None:
                return found
    return retry_after(headers)


def _rejection(status: int, message: str, detail: str) -> UpstreamError:
    if status == 404:
        missing = UpstreamRejected(
            detail, code="upstream_model_not_found", message="The provider does not have this model."
        )
        missing.status, missing.retriable, missing.type = 404, True, "not_found_error"
        return missing
    too_long = _TOO_LONG in message
    rejected = UpstreamRejected(
        detail,
        code="context_length_exceeded" if too_long else None,
        message="The request is longer than the model's context." if too_long else None,
    )
    rejected.type = "invalid_request_error"
    return rejected
