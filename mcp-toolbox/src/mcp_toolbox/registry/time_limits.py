"""The time limits that hold for a call, which do not count the time in which a person is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

Later = Callable[[float], None]
"""Moves a limit by so many seconds."""


class TimeLimits:
    """The limits of one call that hold now. Each one that is set says how it is moved."""

    def __init__(self) -> None:
        self._limits: list[Later] = []

    @contextmanager
    def holding(self, later: Later) -> Iterator[None]:
        """Adds a limit until the block ends."""
        self._limits.append(later)
        try:
            yield
        finally:
            self._limits.remove(later)

    @contextmanager
    def paused(self, seconds: float) -> Iterator[None]:
        """Stops all limits until the block ends, which is bounded by `seconds` itself."""
        held, loop = tuple(self._limits), asyncio.get_running_loop()
        began = loop.time()
        self._move(held, seconds)
        try:
            yield
        finally:
            self._move(held, loop.time() - began - seconds)

    def _move(self, held: tuple[Later, ...], seconds: float) -> None:
        for later in held:
            if later in self._limits:
                later(seconds)


def later_of(scope: anyio.CancelScope) -> Later:
    """Returns what moves the deadline of `scope`."""

    def later(seconds: float) -> None:
        scope.deadline += seconds

    return later
