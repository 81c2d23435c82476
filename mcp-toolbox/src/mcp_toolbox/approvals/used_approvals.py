"""The record of approvals that have been used."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol


class UsedApprovals(Protocol):
    """Remembers the operations that were settled, so that one approval runs its tool once, across all replicas that
    share the store."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Opens the store until the block ends; `spend` may be called only inside. The service's lifespan enters it."""
        ...

    async def spend(self, operation: str, until: float) -> bool:
        """Marks `operation` as used, and returns whether it was unused. It must be remembered until `until`, in seconds
        since 1970.

        Raises:
            StoreAway: the store is away, so the answer is not known.
        """
        ...


class MemoryUsedApprovals:
    """A `UsedApprovals` for this process alone; it forgets expired operations."""

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
