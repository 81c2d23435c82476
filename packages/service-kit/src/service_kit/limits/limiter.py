"""The interface of limiters: rates, decisions, and taking units from a bucket."""

from __future__ import annotations

import math
import re
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

import msgspec

ROUNDING = 1e-6
"""The part of a unit that a bucket may lack, so that rounding does not refuse a caller that has waited as long as
told."""


_RATE = re.compile(r"([0-9]{1,9})/([0-9]{0,6})(s|min|h)")
_UNITS = {"s": 1, "min": 60, "h": 3600}


class Rate(NamedTuple):
    """A bucket holds `amount` units (calls, tokens), and refills evenly with as many in `seconds` seconds."""

    amount: float
    seconds: float

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Returns the rate that `text` describes: `5/s`, `100/min`, `1000/h` or `20/10s`.

        Raises:
            ValueError: the text is no such rate.
        """
        found = _RATE.fullmatch(text)
        if found is None or not int(found[1]) or not int(found[2] or 1):
            raise ValueError(f"{text!r} is not a rate such as 5/s, 100/min, 1000/h or 20/10s")
        return cls(int(found[1]), float(int(found[2] or 1) * _UNITS[found[3]]))

    @property
    def per_second(self) -> float:
        """The units that come back each second."""
        return self.amount / self.seconds


class Decision(msgspec.Struct, frozen=True):
    """The result of taking units from a bucket.

    `limit` and `remaining` are in units. `reset` is the seconds until the bucket is full, `retry_after` the seconds
    until the refused units are there: 0 if they were taken, infinity if they are more than the bucket can hold.
    """

    allowed: bool
    limit: float
    remaining: float
    reset: float
    retry_after: float

    @classmethod
    def of(cls, rate: Rate, *, allowed: bool, left: float, cost: float) -> Decision:
        """Returns the decision after which a bucket of `rate` has `left` units."""
        missing_for = (cost - left) / rate.per_second if cost <= rate.amount else math.inf
        reset = (rate.amount - left) / rate.per_second
        return cls(allowed, rate.amount, max(0.0, left), reset, 0.0 if allowed else missing_for)


class Limiter(Protocol):
    """Takes units from buckets, one for each key, that refill at a rate."""

    async def take(self, key: str, rate: Rate, cost: float = 1) -> Decision:
        """Takes `cost` units from the bucket of `key`, or none if there are too few.

        A negative cost returns units, up to the rate's amount. A shared store that is away raises nothing: this process
        then counts alone.
        """
        ...

    @property
    def away(self) -> bool:
        """Whether a shared store cannot be reached, so that this process counts alone."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Holds the limiter's connections until the block ends. The service's lifespan enters it."""
        ...
