"""The register of a server's open connections: how many there may be, and which are closed first."""

from __future__ import annotations

import time
from typing import Protocol

from service_kit.edge.limits import ConnectionLimits
from service_kit.language import Language
from service_kit.telemetry.refusals import Refusals

_MADE_ROOM = 16
"""A sixteenth of the connections that can be spared is closed at once, so that a flood of new ones does not cost a
search for each."""


class Connection(Protocol):
    """A client's connection, as the register sees it."""

    def spare_rank(self) -> tuple[int, float] | None:
        """Returns how easily the connection can be spared: the lowest rank goes first, and among equal ranks the
        oldest. None means that it is in use."""
        ...

    def expire(self, now: float) -> None:
        """Closes the connection if it has exceeded one of its times at `now`, on the clock of `time.monotonic`."""
        ...

    def drop(self, reason: str) -> None:
        """Closes the connection at once, and counts it as a refusal for `reason`."""
        ...


class Connections:
    """Registers the connections of one server.

    `language` is that of errors sent before a request has named its own. `now` is a clock that only `sweep` advances:
    reading it is free, and it is exact to one sweep (half a second).
    """

    def __init__(self, limits: ConnectionLimits, refusals: Refusals, language: Language) -> None:
        self.limits = limits
        self.refusals = refusals
        self.language: Language = language
        self.now = time.monotonic()
        self._open: dict[Connection, None] = {}

    def enter(self, connection: Connection) -> bool:
        """Registers a new connection, and returns whether there was room; idle and unfinished connections are closed to
        make room."""
        if len(self._open) >= self.limits.max_connections and not self._make_room():
            return False
        self._open[connection] = None
        return True

    def adopt(self, connection: Connection) -> None:
        """Registers a connection that was already registered under another protocol, without a check for room."""
        self._open[connection] = None

    def leave(self, connection: Connection) -> None:
        """Removes a connection that has ended."""
        self._open.pop(connection, None)

    def _make_room(self) -> bool:
        ranked = [(rank, number, one) for number, one in enumerate(self._open) if (rank := one.spare_rank())]
        ranked.sort(key=lambda entry: entry[:2])
        for _, _, connection in ranked[: -(-len(ranked) // _MADE_ROOM)]:
            self._open.pop(connection, None)  # removed now, not when the transport is gone: the room is needed at once
            connection.drop("gave_way")
        return bool(ranked)

    def sweep(self) -> None:
        """Advances the clock, and closes the connections that have exceeded one of their times."""
        self.now = time.monotonic()
        for connection in list(self._open):
            connection.expire(self.now)
