"""Which approvals have been used."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol


class UsedApprovals(Protocol):
    """Remembers operations that were settled, so that an approval runs its tool once.

    A store that replicas share makes that hold across them.
    """

    def running(self) -> AbstractAsyncContextManager[None]:
        """The service's lifespan enters it: nothing is spent outside."""
        ...

    async def spend(self, operation: str, until: float) -> bool:
        """Whether this is the first time; it has to be remembered until then (seconds since 1970).

        Raises:
            StoreAway: it cannot be told now.
        """
        ...


class MemoryUsedApprovals:
    """A `UsedApprovals` of this process, which forgets what has expired."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._spent: set[str] = set()
        self._expiring: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._spent)

    def running(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def spend(self, operation: str, until: float) -> bool:
        while self._expiring and self._expiring[0][0] <= self._clock():
            self._spent.discard(heapq.heappop(self._expiring)[1])
        if operation in self._spent:
            return False
        self._spent.add(operation)
        heapq.heappush(self._expiring, (until, operation))
        return True
