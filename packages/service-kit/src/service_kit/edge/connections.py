"""The open connections of one server: how many there may be, and which of them have overstayed."""

from __future__ import annotations

import time
from typing import Protocol

from service_kit.edge.limits import ConnectionLimits
from service_kit.language import Language
from service_kit.telemetry.refusals import Refusals

_MADE_ROOM = 16
"""A sixteenth of what can be spared gives way at once, so that a flood does not cost a search for each."""


class Connection(Protocol):
    """One client's connection, as the register sees it."""

    def spare_rank(self) -> tuple[int, float] | None:
        """How easily the connection can be spared, the least first and then the oldest; None: it is at work."""
        ...

    def expire(self, now: float) -> None:
        """End the connection if it has overstayed at `now`, on `time.monotonic`'s clock."""
        ...

    def drop(self, reason: str) -> None:
        """End the connection at once, and count that under `reason`."""
        ...


class Connections:
    """Registers the connections of one server; `language` is that of what they are told before they say theirs.

    `now` is a clock that `sweep` moves: reading it costs a request nothing, and it is exact to a sweep.
    """

    def __init__(self, limits: ConnectionLimits, refusals: Refusals, language: Language) -> None:
        self.limits = limits
        self.refusals = refusals
        self.language: Language = language
        self.now = time.monotonic()
        self._open: dict[Connection, None] = {}

    def enter(self, connection: Connection) -> bool:
        """Whether there is room for one more, once idle and unfinished ones have given way."""
        if len(self._open) >= self.limits.max_connections and not self._make_room():
            return False
        self._open[connection] = None
        return True

    def adopt(self, connection: Connection) -> None:
        """Register a connection whose transport was registered before, under another protocol."""
        self._open[connection] = None

    def leave(self, connection: Connection) -> None:
        self._open.pop(connection, None)

    def _make_room(self) -> bool:
        ranked = [(rank, number, one) for number, one in enumerate(self._open) if (rank := one.spare_rank())]
        ranked.sort(key=lambda entry: entry[:2])
        for _, _, connection in ranked[: -(-len(ranked) // _MADE_ROOM)]:
            self._open.pop(connection, None)  # now, and not when its transport is gone: the room is needed at once
            connection.drop("gave_way")
        return bool(ranked)

    def sweep(self) -> None:
        """Move the clock, and end what has overstayed."""
        self.now = time.monotonic()
        for connection in list(self._open):
            connection.expire(self.now)
