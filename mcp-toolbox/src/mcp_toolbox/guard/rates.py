"""How often a tool may be called: a bucket of tokens for each caller and tool."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mcp_toolbox.calls.per_tool import PerTool
from mcp_toolbox.errors import RateLimitedError

_RATE = re.compile(r"([0-9]{1,9})/([0-9]{0,6})(s|min|h)")
_UNITS = {"s": 1, "min": 60, "h": 3600}
_MOST_BUCKETS = 10_000


class Rate(NamedTuple):
    """`calls` within any `seconds`, and as many at once."""

    calls: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> Rate:
        """The rate that `5/s`, `100/min`, `1000/h` or `20/10s` names; raises ValueError."""
        found = _RATE.fullmatch(text)
        if found is None or not int(found[1]) or not int(found[2] or 1):
            raise ValueError(f"{text!r} is not a rate such as 5/s, 100/min, 1000/h or 20/10s")
        return cls(int(found[1]), float(int(found[2] or 1) * _UNITS[found[3]]))


class _Bucket:
    """As many tokens as there were at the time `at`."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at


class Rates:
    """Counts calls of each principal to each tool that has a rate; of this process alone."""

    def __init__(
        self,
        limits: Iterable[tuple[str, Rate]] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        most_buckets: int = _MOST_BUCKETS,
    ) -> None:
        self._limits: PerTool[Rate | None] = PerTool(limits, None)
        self._clock = clock
        self._most = most_buckets
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, principal: str, tool: str) -> None:
        """Count a call.

        Raises:
            RateLimitedError: it is one too many; it says how long to wait.
        """
        rate = self._limits[tool]
        if rate is None:
            return
        now = self._clock()
        bucket = self._buckets.get((principal, tool))
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[principal, tool] = _Bucket(float(rate.calls), now)
        per_second = rate.calls / rate.seconds
        bucket.tokens = min(float(rate.calls), bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.tokens < 1:
            raise RateLimitedError(tool, (1 - bucket.tokens) / per_second)
        bucket.tokens -= 1

    def _make_room(self, now: float) -> None:
        """Forget buckets that are full again; they would say the same if they were made anew."""
        if len(self._buckets) < self._most:
            return
        for key, bucket in list(self._buckets.items()):
            rate = self._limits[key[1]]
            if rate is None or bucket.tokens + (now - bucket.at) * rate.calls / rate.seconds >= rate.calls:
                del self._buckets[key]
