"""Wrong keys: the more of them come from an address, the slower each is refused."""

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
    """Counts wrong keys by address; an address is forgotten after a minute without one, or when the table is full.

    Only refusals wait: a right key is answered at once, whatever others sent from the same address.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def count(self, address: str) -> float:
        """One more wrong key from `address`; the seconds that its refusal should wait."""
        now = self._clock()
        count, last = self._seen.pop(address, (0, now))
        count = 1 if now - last > _FORGOTTEN_SECONDS else count + 1
        self._seen[address] = count, now
        if len(self._seen) > _ADDRESSES:
            self._seen.popitem(last=False)
        over = count - _FREE
        return min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(over - 1, 10)) if over > 0 else 0.0
