"""What a limiter is asked and what it answers."""

from __future__ import annotations

import math
import re
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

import msgspec

ROUNDING = 1e-6
"""A part of a unit by which a bucket may fall short, so that a caller who waited as told is let through."""


_RATE = re.compile(r"([0-9]{1,9})/([0-9]{0,6})(s|min|h)")
_UNITS = {"s": 1, "min": 60, "h": 3600}


class Rate(NamedTuple):
    """`amount` units (calls, tokens) at once, and as many again in each `seconds`, evenly."""

    amount: float
    seconds: float

    @classmethod
    def parse(cls, text: str) -> Rate:
        """The rate that `5/s`, `100/min`, `1000/h` or `20/10s` names; raises ValueError."""
        found = _RATE.fullmatch(text)
        if found is None or not int(found[1]) or not int(found[2] or 1):
            raise ValueError(f"{text!r} is not a rate such as 5/s, 100/min, 1000/h or 20/10s")
        return cls(int(found[1]), float(int(found[2] or 1) * _UNITS[found[3]]))

    @property
    def per_second(self) -> float:
        return self.amount / self.seconds


class Decision(msgspec.Struct, frozen=True):
    """Whether units were taken. `limit` and `remaining` count units, `reset` is seconds until all are there again,
    `retry_after` seconds until the units that were refused are: 0 where they were taken, infinity where they are more
    than there ever are."""

    allowed: bool
    limit: float
    remaining: float
    reset: float
    retry_after: float

    @classmethod
    def of(cls, rate: Rate, *, allowed: bool, left: float, cost: float) -> Decision:
        """The decision that leaves a bucket of `rate` with `left` units."""
        missing_for = (cost - left) / rate.per_second if cost <= rate.amount else math.inf
        reset = (rate.amount - left) / rate.per_second
        return cls(allowed, rate.amount, max(0.0, left), reset, 0.0 if allowed else missing_for)


class Limiter(Protocol):
    """Counts what is taken under each key, in buckets that fill at a rate."""

    async def take(self, key: str, rate: Rate, cost: float = 1) -> Decision:
        """Takes `cost` units from the bucket of `key`, or none where there are too few.

        A negative cost gives units back, to at most the rate's amount. Never raises for a store that is away.
        """
        ...

    @property
    def away(self) -> bool:
        """Whether a shared store cannot be reached, so that this process counts alone."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Holds the limiter's connections; the service's lifespan enters it."""
        ...
