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
    usage = record.usage
    fields: dict[str, Any] = {
        "requestId": record.request_id,
        "surface": record.surface,
        "status": record.http_status,
        "userId": record.principal[:_MAX_NAME],
    }
    if record.end_user is not None:
        fields["endUser"] = record.end_user[:_MAX_NAME]
    if record.session is not None:
        fields["sessionId"] = record.session
    if record.provider is not None:
        fields["provider"] = record.provider
    fields["model"] = (record.model or record.asked)[:_MAX_NAME]
    if usage is not None:
        fields["tokensUsed"] = usage.total_tokens
    if record.cost_usd is not None:
        fields["costUsd"] = float(record.cost_usd)
    fields["processingTime"] = round(record.latency_ms, 2)
    fields["cached"] = record.cache in ("hit", "coalesced")
    if record.fallback_from is not None:
        fields["fallbackFrom"] = record.fallback_from
    if len(record.attempts) > 1:
        fields["attempts"] = len(record.attempts)
    if record.error_code is not None:
        fields["error"] = record.error_code
    if record.error_detail is not None:
        fields["detail"] = record.error_detail
    if record.status == "error":
        return Line(logging.WARNING, record.finished_at, "call failed", fields)
    return Line(logging.INFO, record.finished_at, "call" if record.status == "ok" else "call cancelled", fields)
