"""The audit: one line for each tool call, written after the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import msgspec
from service_kit.background import supervised
from service_kit.telemetry.logs import Line, get_logger, log_batch

FLUSH_SECONDS = 0.2

Outcome = Literal["ok", "error", "invalid", "unknown", "refused", "rate_limited", "timeout", "cancelled"]
"""The end of a call. `error`: the tool ran and failed, or its result was not usable. `invalid`: the arguments did not
fit. `refused`: no person approved the call, or the caller's key may not use the tool."""

_NAME = "mcp_toolbox.audit"
_log = get_logger(__name__)


class Entry(NamedTuple):
    """One tool call. `at` is in seconds since 1970. `end_user` is the one of the principal's users for which it called,
    "" if none; `traceparent` is the W3C trace of the call. `result_bytes` is the size of the result as JSON, None
    without a result. `arguments` is None unless arguments are recorded."""

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


Keep = Callable[[bytes], None]
"""Stores lines permanently; it runs in a thread and may block. Raises OSError if nothing was stored."""


class AuditLog:
    """Takes entries at the cost of an append. While it is `running`, they go to the log and, if `keep` is given, to
    `keep`.

    Entries that `keep` could not store are stored with the next ones, as long as at most `most_waiting` are waiting.
    Beyond that the oldest are dropped, and their number is logged; the log itself has all entries.
    """

    def __init__(self, keep: Keep | None = None, *, most_waiting: int = 100_000) -> None:
        self._keep = keep
        self._most = most_waiting
        self._seen: list[Entry] = []
        self._waiting: list[Entry] = []
        self._failing = False

    def record(self, entry: Entry) -> None:
        """Records a call; its line is written with the next flush."""
        self._seen.append(entry)

    @asynccontextmanager
    async def running(self, every_seconds: float = FLUSH_SECONDS) -> AsyncIterator[None]:
        """Writes every `every_seconds` until the block ends, and what is left at its end."""
        try:
            async with supervised("audit", self._flush, every_seconds=every_seconds):
                yield
        finally:
            self._to_log()
            self._store(self._waiting)

    async def _flush(self) -> None:
        self._to_log()
        if self._waiting:
            # Shielded and awaited: a batch that is being written must not be written again when the block ends.
            storing = asyncio.ensure_future(asyncio.to_thread(self._store, self._waiting))
            try:
                await asyncio.shield(storing)
            except asyncio.CancelledError:
                await storing
                raise

    def _to_log(self) -> None:
        seen, self._seen = self._seen, []
        if seen:
            log_batch(_NAME, map(_line, seen))
        if self._keep is None or not seen:
            return
        waiting = [*self._waiting, *seen]
        if len(waiting) > self._most:
            _log.error("audit lines dropped from the file", dropped=len(waiting) - self._most)
        self._waiting = waiting[-self._most :]

    def _store(self, entries: list[Entry]) -> None:
        """Stores `entries`. Only one call runs at a time, in a thread; `_waiting` is replaced only by the event loop's
        thread, or here while the event loop's thread waits for this call."""
        if self._keep is None or not entries:
            return
        try:
            self._keep(b"".join(map(_json, entries)))
        except OSError as error:
            if not self._failing:
                _log.error("audit file cannot be written", reason=error.strerror or type(error).__name__)
            self._failing = True
            return
        if self._failing:
            _log.info("audit file is written again")
        self._failing = False
        self._waiting = []


def _line(entry: Entry) -> Line:
    level = logging.INFO if entry.outcome in ("ok", "cancelled") else logging.WARNING
    return Line(level, entry.at, "tool call", entry.fields())


def _json(entry: Entry) -> bytes:
    at = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"timestamp": at, **entry.fields()}, enc_hook=str) + b"\n"
