"""Where time goes, by a clock that interrupts the program: which function each moment belongs to."""

from __future__ import annotations

import signal
from collections import Counter
from types import FrameType
from typing import Self

_EVERY_S = 0.0005


class Profiler:
    """Counts, for the length of its block, which file and function runs at each tick of the clock. What a function of C
    takes counts for the Python function that called it."""

    def __init__(self) -> None:
        self._ticks: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGALRM, self._tick)
        # The clock of the process's own time ticks 250 times a second, this one as often as it is asked to; the program
        # is always busy while it is looked at.
        signal.setitimer(signal.ITIMER_REAL, _EVERY_S, _EVERY_S)
        return self

    def __exit__(self, *exc: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _tick(self, number: int, frame: FrameType | None) -> None:
        if frame is not None:
            code = frame.f_code
            self._ticks[code.co_filename, code.co_qualname] += 1

    def shares(self) -> list[tuple[str, str, float]]:
        """File, function, and its share of all ticks, the largest first."""
        whole = self._ticks.total() or 1
        return [(file, name, ticks / whole) for (file, name), ticks in self._ticks.most_common()]
