"""The part of the event loop's time that one server's noise may take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

_DUE_SECONDS = 0.005
_RESTS = 4.0
"""Seconds of rest for each second of work: a server that prints without end is read more slowly, and its pipe fills."""


class Effort:
    """Time that was spent on what is of no use, and is made up for by rests."""

    def __init__(self) -> None:
        self._spent = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Counts the time until the block ends."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._spent += time.perf_counter() - began

    def forget(self) -> None:
        """Forgets what was spent: it was of use."""
        self._spent = 0.0

    @property
    def is_due(self) -> bool:
        """Whether a rest is due."""
        return self._spent >= _DUE_SECONDS

    async def rest(self) -> None:
        """Rests for what was spent."""
        spent, self._spent = self._spent, 0.0
        await asyncio.sleep(spent * _RESTS)
