"""Coalescing: identical calls in flight share one upstream call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flight(Generic[T]):
    """One upstream call: who started it publishes its pieces, who came later follows them from the first.

    The call outlives its starter's client as long as somebody follows; `on_abandoned` is called once nobody does.
    """

    def __init__(self, on_abandoned: Callable[[], object]) -> None:
        self._pieces: list[T] = []
        self._ended = False
        self._error: BaseException | None = None
        self._news = asyncio.Event()
        self._starter_left = False
        self._followers = 0
        self._on_abandoned = on_abandoned

    def publish(self, piece: T) -> None:
        self._pieces.append(piece)
        self._wake()

    def end(self, error: BaseException | None = None) -> None:
        self._ended, self._error = True, error
        self._wake()

    def starter_leaves(self) -> None:
        self._starter_left = True
        self._check_abandoned()

    def _check_abandoned(self) -> None:
        if self._starter_left and self._followers == 0 and not self._ended:
            self._on_abandoned()

    def _wake(self) -> None:
        if self._followers:
            self._news.set()
            self._news = asyncio.Event()

    async def follow(self) -> AsyncIterator[T]:
        """Every piece, from the first; raises what the call raised."""
        self._followers += 1
        try:
            position = 0
            while True:
                while position < len(self._pieces):
                    yield self._pieces[position]
                    position += 1
                if self._ended:
                    break
                await self._news.wait()
            if self._error is not None:
                raise self._error
        finally:
            self._followers -= 1
            self._check_abandoned()


class Flights(Generic[T]):
    """The calls in flight, by key."""

    def __init__(self) -> None:
        self._flights: dict[bytes, Flight[T]] = {}

    def find(self, key: bytes) -> Flight[T] | None:
        return self._flights.get(key)

    def start(self, key: bytes, on_abandoned: Callable[[], object]) -> Flight[T]:
        flight = self._flights[key] = Flight(on_abandoned)
        return flight

    def land(self, key: bytes, flight: Flight[T], error: BaseException | None = None) -> None:
        """Take the flight off the board, so that a later call starts anew, and tell its followers."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.end(error)
