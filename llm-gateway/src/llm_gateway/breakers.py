"""Circuit breakers: a provider that keeps failing is asked last for a while, and asked again to see."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half_open"]

_FAILURES_TO_OPEN = 5
_OPEN_SECONDS = 15.0


class Breakers:
    """One breaker a provider. An open one only changes the order of asking: a request that has nobody else to
    turn to is still tried, so a provider that recovers is never locked out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._opened: dict[str, float] = {}

    def state(self, provider: str) -> State:
        opened = self._opened.get(provider)
        if opened is None:
            return "closed"
        return "open" if self._clock() - opened < _OPEN_SECONDS else "half_open"

    def succeeded(self, provider: str) -> None:
        if self._failures:
            self._failures.pop(provider, None)
            self._opened.pop(provider, None)

    def failed(self, provider: str) -> None:
        failures = self._failures[provider] = self._failures.get(provider, 0) + 1
        if failures >= _FAILURES_TO_OPEN:
            self._opened[provider] = self._clock()
