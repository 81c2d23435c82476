"""Renders errors in the suite's envelope: OpenAI's with a request id."""

from __future__ import annotations

import msgspec
from service_kit.errors import ApiError, error_body


def render_error(error: ApiError, request_id: str) -> bytes:
    """`{"error": {"message", "type", "code", "param", "request_id"}}`."""
    return msgspec.json.encode(error_body(error, request_id))
