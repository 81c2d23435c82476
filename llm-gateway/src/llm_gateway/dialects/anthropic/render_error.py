"""Renders errors in Anthropic's envelope.

Source: https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

import msgspec
from service_kit.errors import ApiError

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_type(status: int) -> str:
    """Returns Anthropic's error type for a status."""
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def render_error(error: ApiError, request_id: str) -> bytes:
    """`{"type": "error", "error": {"type", "message", "details", "param"}, "request_id"}`.

    `details.error_code`, where Anthropic's clients look for the cause, is the gateway's error code. Anthropic has no
    `param`.
    """
    fields = {
        "type": error_type(error.status),
        "message": error.message,
        "details": {"error_code": error.code},
        "param": error.param,
    }
    return msgspec.json.encode({"type": "error", "error": fields, "request_id": request_id})
