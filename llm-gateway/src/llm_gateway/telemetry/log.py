"""One log line a call, with the fields that operators search by; written in batches."""

from __future__ import annotations

import logging
from typing import Any

from service_kit.logs import Line, log_batch

from llm_gateway.calls import Call

_NAME = "llm_gateway.calls"
_MAX_NAME = 256
"""Clients make up names of any length; a line of the log is not the place for them."""


class CallLog:
    """Observes calls, and writes what it has seen when it is flushed."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def observe(self, call: Call) -> None:
        self._lines.append(line_of(call))

    def flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            log_batch(_NAME, lines)


def line_of(call: Call) -> Line:
    """The call's line; what is unknown is left out."""
    fields: dict[str, Any] = {
        "requestId": call.request_id,
        "surface": call.surface,
        "status": call.http_status,
        "userId": (call.user or call.principal)[:_MAX_NAME],
        "provider": call.provider,
        "model": (call.model or call.asked)[:_MAX_NAME],
        "tokensUsed": call.usage.total_tokens if call.usage else None,
        "costUsd": None if call.cost_usd is None else float(call.cost_usd),
        "processingTime": round(call.latency_ms, 2),
        "cached": call.cache in ("hit", "coalesced"),
        "fallbackFrom": call.fallback_from,
        "error": call.error_code,
        "detail": call.error_detail,
    }
    known = {name: value for name, value in fields.items() if value is not None}
    if call.status == "error":
        return Line(logging.WARNING, call.finished_at, "call failed", known)
    return Line(logging.INFO, call.finished_at, "call" if call.status == "ok" else "call cancelled", known)
