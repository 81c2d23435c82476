"""Delays for wrong keys, which grow with their number from one address."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_FREE = 5
_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 2.0
_FORGOTTEN_SECONDS = 60.0
_ADDRESSES = 4096


class WrongKeys:
    """Counts wrong keys by address. An address is forgotten after a minute without a wrong key, or when the table is
    full.

    Only refusals are delayed: a right key is answered at once, even from an address that has sent wrong ones.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def count(self, address: str) -> float:
        """Counts a wrong key from `address`, and returns the seconds by which its refusal is delayed."""
        now = self._clock()
        count, last = self._seen.pop(address, (0, now))
        count = 1 if now - last > _FORGOTTEN_SECONDS else count + 1
        self._seen[address] = count, now
        if len(self._seen) > _ADDRESSES:
            self._seen.popitem(last=False)
        over = count - _FREE
        return min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(over - 1, 10)) if over > 0 else 0.0
