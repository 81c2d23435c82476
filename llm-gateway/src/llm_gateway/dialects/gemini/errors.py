"""Decodes Google's error answers (`google.rpc.Status`). Their messages go to the log alone.

Sources: https://ai.google.dev/gemini-api/docs/troubleshooting and https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_gateway.dialects.common.failures import failure, shown, status_from_code
from llm_gateway.dialects.common.retry_after import retry_after
from llm_gateway.dialects.common.tolerant_json import loads
from llm_gateway.errors import UpstreamError, UpstreamRejected

_TOO_LONG = "exceeds the maximum number of tokens"
"""Recognizes a prompt that is too long, for which Google has no code."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Returns the error for an answer with this status; the error is an object, or the first one of an array.

    If a status below 300 comes with an error object, that object decides; without one the body is a protocol error.
    """
    parsed = loads(body)
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error_of(status_of(error) if status < 300 and error else status, headers, error, body)


def error_of(status: int | None, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """Returns the error for an error object; `status` is None for one inside a 200."""
    fields: dict[str, Any] = error if isinstance(error, dict) else {"status": error}
    listed = fields.get("details")
    details = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    words = (*_about_us(details), fields.get("status"), fields.get("code"))
    too_long = _TOO_LONG in str(fields.get("message"))
    return failure(status, headers, shown(status, body), words, too_long=too_long, wait=_delay(details, headers))


def status_of(error: Any) -> int | None:
    """Returns the status of an error inside a 200, if its code is one."""
    return status_from_code(error.get("code") if isinstance(error, dict) else None)


def policy_violation(reason: str | None, detail: str) -> UpstreamRejected:
    """Returns the error for a prompt that Google blocked, with OpenAI's code for it."""
    rejected = UpstreamRejected(
        f"{reason}: {detail}",
        code="content_policy_violation",
        message="The provider's content policy refused this request.",
    )
    rejected.type = "invalid_request_error"
    return rejected


def _about_us(details: list[dict[str, Any]]) -> list[str]:
    """Returns the code for an invalid API key, which Google reports with status 400."""
    reasons = [item.get("reason") for item in details]
    return ["invalid_api_key" for reason in reasons if isinstance(reason, str) and reason.startswith("API_KEY_")]


def _delay(details: list[dict[str, Any]], headers: Mapping[str, str]) -> float | None:
    """Returns the seconds to wait by `google.rpc.RetryInfo` (`{"retryDelay": "17.5s"}`), else by the headers."""
    for item in details:
        delay = item.get("retryDelay")
        if isinstance(delay, str):
            found = retry_after({"retry-after": delay.removesuffix("s")})
            if found is not None:
                return found
    return retry_after(headers)
