"""When a failed attempt is worth another one, and how long to wait before it."""

from __future__ import annotations

from enum import Enum

import msgspec

from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)

COUNTED = (UpstreamUnavailable, UpstreamTimeout, UpstreamProtocol, UpstreamCredentials)
"""Failures that speak against a deployment."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Waits between attempts, in seconds: a random part of `base` doubled each time, up to `cap` (full jitter, as in
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). A provider that asks for more than
    `longest` is left instead."""

    base: float = 0.2
    cap: float = 2.0
    longest: float = 5.0

    def backoff(self, attempt: int, draw: float) -> float:
        """Before attempt `attempt` (the first retry is 1), where `draw` is a random number from 0 to 1."""
        return draw * min(self.cap, self.base * 2 ** (attempt - 1))


class RetryScope(Enum):
    """What may be asked once more after a failure, of the same model."""

    SAME = "the same deployment, or another"
    OTHER = "another deployment"
    ELSEWHERE = "another deployment, if it has another address"
    NONE = "nobody: the request itself is refused"


def retry_scope(error: UpstreamError) -> RetryScope:
    """What `error` leaves to be tried."""
    if not error.retriable:
        return RetryScope.NONE
    match error:
        case UpstreamTimeout():
            return RetryScope.ELSEWHERE  # whoever is silent is not asked to be silent once more
        case UpstreamRateLimited(code="insufficient_quota"):
            return RetryScope.OTHER
        case UpstreamUnavailable() | UpstreamRateLimited() | UpstreamProtocol(code="upstream_stream_cut"):
            return RetryScope.SAME
        case _:
            return RetryScope.OTHER
