"""Google's error answers (`google.rpc.Status`) as types; its words are kept for the log alone.

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
"""Google has no code for this: the sentence is all there is to tell it by."""


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An error answer as a type; it comes as an object, or as the first of an array.

    A success may come with an error too, which then decides; without one it is no answer at all.
    """
    parsed = loads(body)
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error_of(status_of(error) if status < 300 and error else status, headers, error, body)


def error_of(status: int | None, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    """The type for an error object that came with this status; None for one that came inside a 200."""
    fields: dict[str, Any] = error if isinstance(error, dict) else {"status": error}
    listed = fields.get("details")
    details = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    words = (*_about_us(details), fields.get("status"), fields.get("code"))
    too_long = _TOO_LONG in str(fields.get("message"))
    return failure(status, headers, shown(status, body), words, too_long=too_long, wait=_delay(details, headers))


def status_of(error: Any) -> int | None:
    """The status of an error that came inside a 200, as its code names it."""
    return status_from_code(error.get("code") if isinstance(error, dict) else None)


def policy_violation(reason: str | None, detail: str) -> UpstreamRejected:
    """A prompt that Google would not answer, as OpenAI says it."""
    rejected = UpstreamRejected(
        f"{reason}: {detail}",
        code="content_policy_violation",
        message="The provider's content policy refused this request.",
    )
    rejected.type = "invalid_request_error"
    return rejected


def _about_us(details: list[dict[str, Any]]) -> list[str]:
    """The word for a key that is not valid, which Google answers with a 400."""
    reasons = [item.get("reason") for item in details]
    return ["invalid_api_key" for reason in reasons if isinstance(reason, str) and reason.startswith("API_KEY_")]


def _delay(details: list[dict[str, Any]], headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: `google.rpc.RetryInfo` says `{"retryDelay": "17.5s"}`, else the headers may."""
    for item in details:
        delay = item.get("retryDelay")
        if isinstance(delay, str):
            found = retry_after({"retry-after": delay.removesuffix("s")})
            if found is not None:
                return found
    return retry_after(headers)
