"""The log of the edge's refusals: at most one line per second and kind, however many there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from service_kit.background import supervised
from service_kit.telemetry.logs import get_logger

FLUSH_SECONDS = 1.0
_NAMED_CLIENTS = 8
"""The number of addresses that a line names. Further ones are only counted, so that lines and this table stay small."""

_log = get_logger(__name__)


class Refusals:
    """Counts refusals by kind, and logs the counts when it is flushed.

    A flood of bad connections costs the sender a connection each, and the service one line per second. `totals` are all
    refusals since the start by kind, and `auth_failures` those for want of a valid credential, for metrics.
    """

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self.auth_failures: Counter[str] = Counter()
        self._counts: dict[str, int] = {}
        self._clients: dict[str, dict[str, int]] = {}

    def count(self, kind: str, client: str | None) -> None:
        """Counts a refusal of `kind`, a short identifier, from the address `client`."""
        self.totals[kind] += 1
        self._counts[kind] = self._counts.get(kind, 0) + 1
        clients = self._clients.setdefault(kind, {})
        if client is not None and (client in clients or len(clients) < _NAMED_CLIENTS):
            clients[client] = clients.get(client, 0) + 1

    def note(self, kind: str, *, auth: bool) -> None:
        """Adds a refusal of one request to the totals alone, because the access log has a line for it. `auth` says
        whether it was for want of a valid credential."""
        self.totals[kind] += 1
        if auth:
            self.auth_failures[kind] += 1

    def flush(self) -> None:
        """Logs one line for each kind that was counted since the last flush."""
        if not self._counts:
            return
        counts, self._counts = self._counts, {}
        clients, self._clients = self._clients, {}
        for kind, count in counts.items():
            named: dict[str, Any] = {"clients": sorted(clients[kind])} if clients[kind] else {}
            _log.warning("refused", reason=kind, count=count, **named)

    @asynccontextmanager
    async def running(self, every_seconds: float = FLUSH_SECONDS) -> AsyncIterator[None]:
        """Flushes every `every_seconds` until the block ends, and once more at the end."""

        async def turn() -> None:
            self.flush()

        try:
            async with supervised("refusals", turn, every_seconds=every_seconds):
                yield
        finally:
            self.flush()
