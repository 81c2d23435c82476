"""The audit: one entry for each tool call, in the log and in the stores that the settings name, written after the
answer."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Literal, NamedTuple, Protocol

from service_kit.background import supervised
from service_kit.store.errors import StoreAway
from service_kit.telemetry.logs import Line, get_logger, log_batch

FLUSH_SECONDS = 0.2
MOST_RECENT = 200
_LAST_SECONDS = 5.0

Outcome = Literal[
    "ok", "error", "invalid", "unknown", "refused", "rate_limited", "timeout", "cancelled", "input_required"
]
"""The end of a call. `error`: the tool ran and failed, or its result was not usable. `invalid`: the arguments did not
fit. `refused`: no person approved the call, or the caller's key may not use the tool.
`input_required`: the tool's server asks a question first, and the client is to call again."""

_NAME = "mcp_toolbox.audit"
_log = get_logger(__name__)


class Entry(NamedTuple):
    """One tool call. `at` is in seconds since 1970. `end_user` is the one of the principal's users for which it called,
    "" if none; `traceparent` is the W3C trace of the call. `result_bytes` is the size of the result as JSON, None
    without a result. `arguments` is None unless arguments are recorded. `id` is unique: a store that is given an entry
    twice keeps it once."""

    at: float
    request_id: str
    principal: str
    end_user: str
    traceparent: str | None
    tool: str
    source: str | None
    outcome: Outcome
    milliseconds: float
    result_bytes: int | None
    transport: str
    arguments: Mapping[str, Any] | None = None
    id: str = ""

    def fields(self) -> dict[str, Any]:
        """Returns the fields of its line, without the time and without unknown values."""
        named = {
            "requestId": self.request_id or None,
            "traceId": self.traceparent.split("-")[1] if self.traceparent else None,
            "userId": self.principal,
            "endUser": self.end_user or None,
            "tool": self.tool,
            "source": self.source,
            "outcome": self.outcome,
            "processingTime": round(self.milliseconds, 2),
            "resultBytes": self.result_bytes,
            "transport": self.transport or None,
            "arguments": self.arguments,
        }
        return {name: value for name, value in named.items() if value is not None}


class AuditStore(Protocol):
    """Stores entries permanently; `name` is what the log calls it."""

    name: str

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Stores `entries`, which may take a while.

        Raises:
            OSError, StoreAway: it is not known that they are stored; they will be given again.
        """
        ...


class AuditLog:
    """Takes entries at the cost of an append. While it is `running`, they go to the log and to `stores`.

    Entries that a store could not keep are given to it again with the next ones, as long as at most `most_waiting` are
    waiting. Beyond that the oldest are dropped, and their number is logged; the log itself has all entries.
    """

    def __init__(self, stores: Sequence[AuditStore] = (), *, most_waiting: int = 100_000) -> None:
        self._seen: list[Entry] = []
        self._recent: deque[Entry] = deque(maxlen=MOST_RECENT)
        self._backlogs = [_Backlog(store, most_waiting) for store in stores]

    def record(self, entry: Entry) -> None:
        """Records a call; its line is written with the next flush."""
        self._seen.append(entry)
        self._recent.append(entry)

    def recent(self) -> Sequence[Entry]:
        """Returns the last calls of this process, at most `MOST_RECENT`, the oldest first."""
        return tuple(self._recent)

    @asynccontextmanager
    async def running(self, every_seconds: float = FLUSH_SECONDS) -> AsyncIterator[None]:
        """Writes every `every_seconds` until the block ends, and what is left at its end.

        Each store has a loop of its own, so that one that is slow delays neither the log nor another store.
        """
        async with AsyncExitStack() as loops:
            for backlog in self._backlogs:
                loops.push_async_callback(backlog.finish)
                await loops.enter_async_context(
                    supervised(f"audit in {backlog.name}", backlog.flush, every_seconds=every_seconds)
                )
            loops.callback(self._to_log)
            await loops.enter_async_context(supervised("audit", self._flush, every_seconds=every_seconds))
            yield

    async def _flush(self) -> None:
        self._to_log()

    def _to_log(self) -> None:
        seen, self._seen = self._seen, []
        if seen:
            log_batch(_NAME, map(_line, seen))
            for backlog in self._backlogs:
                backlog.add(seen)


class _Backlog:
    """The entries that wait for one store."""

    def __init__(self, store: AuditStore, most: int) -> None:
        self.name = store.name
        self._store = store
        self._most = most
        self._waiting: list[Entry] = []
        self._failing = False

    def add(self, entries: Sequence[Entry]) -> None:
        self._waiting = self._bounded([*self._waiting, *entries])

    def _bounded(self, entries: list[Entry]) -> list[Entry]:
        if len(entries) > self._most:
            _log.error("audit entries dropped", store=self.name, dropped=len(entries) - self._most)
        return entries[-self._most :]

    async def flush(self) -> None:
        if not self._waiting:
            return
        # Shielded and awaited: a batch that is being stored must not be stored again when the audit ends.
        waiting, self._waiting = self._waiting, []
        storing = asyncio.ensure_future(self._keep(waiting))
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            await storing
            raise

    async def finish(self) -> None:
        """Stores what is left, if that can be done in a few seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self.flush()

    async def _keep(self, entries: list[Entry]) -> None:
        try:
            await self._store.keep(entries)
        except (OSError, StoreAway) as error:
            if not self._failing:
                _log.error("audit cannot be stored", store=self.name, reason=_reason(error))
            self._failing = True
            self._waiting = self._bounded([*entries, *self._waiting])
            return
        if self._failing:
            _log.info("audit is stored again", store=self.name)
        self._failing = False


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__


def _line(entry: Entry) -> Line:
    level = logging.INFO if entry.outcome in ("ok", "cancelled", "input_required") else logging.WARNING
    return Line(level, entry.at, "tool call", entry.fields())
