"""When a failed attempt is worth another one, and how long to wait before it."""

from __future__ import annotations

from enum import Enum

import msgspec

from llm_gateway.errors import (
    ProviderSaturated,
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)

COUNTED = (UpstreamUnavailable, UpstreamTimeout, UpstreamProtocol, UpstreamCredentials)
"""Failures that speak against a deployment. That the gateway itself is saturated does not."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Waits between attempts, in seconds: at least `floor`, and a random part of what `base`, doubled each time up to
    `cap`, is above that (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). A provider that
    asks for more than `longest` is left instead."""

    floor: float = 0.4
    base: float = 0.8
    cap: float = 2.0
    longest: float = 5.0

    def backoff(self, attempt: int, draw: float) -> float:
        """Before attempt `attempt` (the first retry is 1), where `draw` is a random number from 0 to 1."""
        most = min(self.cap, self.base * 2 ** (attempt - 1))
        return self.floor + draw * max(0.0, most - self.floor)


class RetryScope(Enum):
    """What may be asked once more after a failure, of the same model."""

    SAME = "the same deployment, or another"
    OTHER = "another deployment"
    ELSEWHERE = "another deployment, if it has another address"
    NONE = "nothing: the request itself is refused"


def retry_scope(error: UpstreamError) -> RetryScope:
    """Returns what `error` leaves to be tried. The provider's own word on repeating a request comes first."""
    if error.should_retry:
        return RetryScope.SAME
    if not error.retriable:
        return RetryScope.NONE
    match error:
        case ProviderSaturated():
            return RetryScope.ELSEWHERE  # connections are counted by address, and a place there was just waited for
        case UpstreamTimeout():
            return RetryScope.ELSEWHERE  # silence at one address is not asked for twice
        case UpstreamRateLimited(code="insufficient_quota") | UpstreamError(should_retry=False):
            return RetryScope.OTHER
        case UpstreamUnavailable() | UpstreamRateLimited() | UpstreamProtocol(code="upstream_stream_cut"):
            return RetryScope.SAME
        case _:
            return RetryScope.OTHER
