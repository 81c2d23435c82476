"""One log line a call, with the fields that operators search by."""

from __future__ import annotations

from typing import Any

from service_kit.logs import get_logger

from llm_gateway.calls import Call

_log = get_logger("llm_gateway.calls")


def log_call(call: Call) -> None:
    """Write the call's line; it is called behind the answer."""
    fields: dict[str, Any] = {
        "requestId": call.request_id,
        "surface": call.surface,
        "status": call.http_status,
        "userId": call.user or call.principal,
        "provider": call.provider,
        "model": call.model or call.asked,
        "tokensUsed": call.usage.total_tokens if call.usage else None,
        "costUsd": None if call.cost_usd is None else float(call.cost_usd),
        "processingTime": round(call.latency_ms, 2),
        "cached": call.cache in ("hit", "coalesced"),
        "fallbackFrom": call.fallback_from,
        "error": call.error_code,
        "detail": call.error_detail,
    }
    line = {name: value for name, value in fields.items() if value is not None}
    if call.status == "error":
        _log.warning("call failed", **line)
    else:
        _log.info("call" if call.status == "ok" else "call cancelled by its client", **line)
