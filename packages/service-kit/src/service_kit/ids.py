"""Request ids and trace context: taken from the caller if well formed, else generated."""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)

current_traceparent: ContextVar[str | None] = ContextVar("current_traceparent", default=None)
"""The trace context to pass on to other services, if the caller sent one."""

_GIVEN = re.compile(r"[\x21-\x7e]{1,128}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def request_id(given: str | None) -> str:
    """Returns `given` if it is 1 to 128 visible ASCII characters, else a new random id."""
    if given is not None and _GIVEN.fullmatch(given):
        return given
    return f"req_{random.getrandbits(96):024x}"  # an identifier, not a secret


def is_traceparent(given: str) -> bool:
    """Returns whether `given` is a W3C trace context of version 00."""
    return _TRACEPARENT.fullmatch(given) is not None


def traceparent(given: str | None) -> str:
    """Returns the W3C trace context to pass on: the caller's trace with a new span, or a new trace.

    Source: https://www.w3.org/TR/trace-context/
    """
    if given is not None and is_traceparent(given):
        version, trace, _, flags = given.split("-")
        return f"{version}-{trace}-{secrets.token_hex(8)}-{flags}"
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Returns the id that the edge has given to this ASGI scope, or a new one."""
    return scope.get("state", {}).get("request_id") or request_id(None)
