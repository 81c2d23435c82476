"""What a caller's headers say about how its request is carried out: how long, with what left out, how safely."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast, get_args

from llm_gateway.canonical.parameters import UnknownParameter, droppable
from llm_gateway.catalog.models import SafeStream
from llm_gateway.errors import InvalidRequest
from llm_gateway.routing.options import NO_OPTIONS, CallOptions

TIMEOUT, DROP, SAFE = b"x-request-timeout", b"x-drop-params", b"x-safe-stream"
HEADERS = frozenset({TIMEOUT, DROP, SAFE})
_LONGEST_SECONDS = 86_400.0


def call_options(said: Mapping[bytes, str]) -> CallOptions:
    """The options that these of the headers in `HEADERS` set.

    The read timeout that the official clients send (`x-stainless-read-timeout`) is not taken for a limit: it is one
    of silence, not of the whole, and a client that has waited so long leaves, which ends the call anyway.

    Raises:
        InvalidRequest: names the header that means nothing.
    """
    if not said:
        return NO_OPTIONS
    return CallOptions(
        timeout=_seconds(said.get(TIMEOUT)), drop=_names(said.get(DROP)), safe_stream=_safety(said.get(SAFE))
    )


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise _refused("X-Request-Timeout", "must be a number of seconds above zero")
    return min(seconds, _LONGEST_SECONDS)


def _names(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    try:
        return droppable(name.strip() for name in text.split(",") if name.strip())
    except UnknownParameter as error:
        raise _refused("X-Drop-Params", str(error)) from error


def _safety(text: str | None) -> SafeStream | None:
    if text is None:
        return None
    if text not in get_args(SafeStream):
        raise _refused("X-Safe-Stream", f"must be one of {', '.join(get_args(SafeStream))}")
    return cast("SafeStream", text)


def _refused(header: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{header}: {why}", param=header)
