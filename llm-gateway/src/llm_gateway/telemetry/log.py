"""One log line a call, with the fields that operators search by; written in batches."""

from __future__ import annotations

import logging
from typing import Any

from service_kit.telemetry.logs import Line, log_batch

from llm_gateway.telemetry.record import CallRecord

_NAME = "llm_gateway.calls"
_MAX_NAME = 256
"""Clients make up names of any length; a line of the log is not the place for them."""


class CallLog:
    """Collects records, and writes their lines when it is flushed."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def observe(self, record: CallRecord) -> None:
        self._lines.append(line_of(record))

    def flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            log_batch(_NAME, lines)


def line_of(record: CallRecord) -> Line:
    """The record's line; what is unknown is left out, and so is the usual one attempt."""
    fields: dict[str, Any] = {
        "requestId": record.request_id,
        "surface": record.surface,
        "status": record.http_status,
        "userId": record.principal[:_MAX_NAME],
        "endUser": record.end_user and record.end_user[:_MAX_NAME],
        "provider": record.provider,
        "model": (record.model or record.asked)[:_MAX_NAME],
        "tokensUsed": record.usage.total_tokens if record.usage else None,
        "costUsd": None if record.cost_usd is None else float(record.cost_usd),
        "processingTime": round(record.latency_ms, 2),
        "cached": record.cache in ("hit", "coalesced"),
        "fallbackFrom": record.fallback_from,
        "attempts": len(record.attempts) if len(record.attempts) > 1 else None,
        "error": record.error_code,
        "detail": record.error_detail,
    }
    known = {name: value for name, value in fields.items() if value is not None}
    if record.status == "error":
        return Line(logging.WARNING, record.finished_at, "call failed", known)
    return Line(logging.INFO, record.finished_at, "call" if record.status == "ok" else "call cancelled", known)
