"""Buckets in this process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from service_kit.limits.limiter import ROUNDING, Decision, Rate

_FIRST_SWEEP = 10_000


class _Bucket:
    """`left` units at the time `at`; at `rested_at` it is full again and says no more than a new one."""

    __slots__ = ("at", "left", "rested_at")

    def __init__(self, left: float, at: float) -> None:
        self.left = left
        self.at = self.rested_at = at


class MemoryLimiter:
    """A `Limiter` of this process alone; `clock` is in seconds.

    Buckets that are full again are forgotten when there are `first_sweep` of them, and then each time that their
    number has doubled, so that a bucket is looked at twice at most on average.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, first_sweep: int = _FIRST_SWEEP) -> None:
        self._clock = clock
        self._first_sweep = self._next_sweep = first_sweep
        self._buckets: dict[str, _Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    @property
    def away(self) -> bool:
        return False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    async def take(self, key: str, rate: Rate, cost: float = 1) -> Decision:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            self._sweep(now)
            bucket = self._buckets[key] = _Bucket(rate.amount, now)
        left = min(rate.amount, bucket.left + (now - bucket.at) * rate.per_second)
        allowed = left + ROUNDING >= cost
        if allowed:
            left = min(rate.amount, left - cost)
        bucket.left, bucket.at = left, now
        bucket.rested_at = now + (rate.amount - left) / rate.per_second
        return Decision.of(rate, allowed=allowed, left=left, cost=cost)

    def _sweep(self, now: float) -> None:
        if len(self._buckets) < self._next_sweep:
            return
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket.rested_at > now}
        self._next_sweep = max(self._first_sweep, 2 * len(self._buckets))
