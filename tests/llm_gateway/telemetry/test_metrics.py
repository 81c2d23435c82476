from __future__ import annotations

from decimal import Decimal
from typing import Any

from llm_gateway.canonical import Usage
from llm_gateway.routing.breakers import Breakers
from llm_gateway.telemetry.metrics import Metrics
from llm_gateway.telemetry.record import CallRecord


def call(**changes: Any) -> CallRecord:
    fields: dict[str, Any] = {
        "request_id": "r", "surface": "generate", "principal": "anonymous", "end_user": None, "asked": "gpt-4o",
        "status": "ok", "http_status": 200, "stream": False, "cache": "miss", "finished_at": 0.0, "latency_ms": 100.0,
        "model": "gpt-4o", "metered_model": "gpt-4o", "provider": "openai",
        "usage": Usage(prompt_tokens=10, completion_tokens=5, cached_tokens=4, reasoning_tokens=2),
        "cost_usd": Decimal("0.01"),
    }  # fmt: skip
    return CallRecord(**{**fields, **changes})


def metrics(*calls: CallRecord) -> Metrics:
    all_of_them = Metrics(Breakers().providers)
    for each in calls:
        all_of_them.observe(each)
    all_of_them.flush()
    return all_of_them


def value(of: Metrics, name: str, **labels: str) -> float | None:
    return of.registry.get_sample_value(name, labels)


def test_tokens_by_kind_and_money():
    seen = metrics(call(), call())
    for kind, tokens in {"prompt": 20, "completion": 10, "cached": 8, "reasoning": 4}.items():
        assert value(seen, "mcp_tokens_used_total", provider="openai", model="gpt-4o", kind=kind) == tokens
    assert value(seen, "mcp_cost_usd_total", provider="openai", model="gpt-4o") == 0.02
    summary = seen.summary()
    assert (summary["total_tokens"], summary["total_cost_usd"]) == (30, 0.02), (
        "cached and reasoning are parts, not more"
    )


def test_a_hit_is_not_billed_again():
    hit = call(cache="hit", cache_level="memory", billed=False, cost_usd=Decimal(0), saved_usd=Decimal("0.01"))
    seen = metrics(call(), hit, call(cache="coalesced", billed=False, cost_usd=Decimal(0)))
    assert seen.summary()["total_tokens"] == 15 and seen.summary()["total_cost_usd"] == 0.01
    assert value(seen, "mcp_tokens_used_total", provider="openai", model="gpt-4o", kind="prompt") == 10
    assert value(seen, "mcp_cache_hits_total") == 1 and value(seen, "mcp_cache_misses_total") == 1
    assert value(seen, "mcp_cache_level_hits_total", level="memory") == 1
    assert seen.summary()["cache_hit_rate"] == 0.5


def test_a_bypass_is_neither_hit_nor_miss():
    seen = metrics(call(cache="bypass"))
    assert value(seen, "mcp_cache_hits_total") == value(seen, "mcp_cache_misses_total") == 0
    assert seen.summary()["cache_hit_rate"] == 0


def test_an_unknown_cost_adds_nothing():
    assert metrics(call(cost_usd=None)).summary()["total_cost_usd"] == 0


def test_errors_by_type_and_provider():
    failed = call(status="error", http_status=503, model=None, metered_model="none", error_code="x", usage=None)
    seen = metrics(failed, call(status="cancelled", http_status=499))
    assert value(seen, "mcp_errors_total", type="x", provider="openai") == 1
    assert seen.summary()["total_errors"] == 1, "a client that left is no error of ours"
    ok = {"method": "generate", "provider": "openai", "model": "gpt-4o"}
    assert value(seen, "mcp_requests_total", **ok, status="cancelled") == 1


def test_latencies():
    seen = metrics(*(call(latency_ms=float(n), ttft_ms=float(n) / 2) for n in range(1, 101)))
    summary = seen.summary()
    assert summary["average_latency_ms"] == 50.5
    assert summary["latency_ms"] == {"p50": 51.0, "p95": 96.0, "p99": 100.0}
    assert summary["time_to_first_token_ms"]["p50"] == 25.5
    labels = {"method": "generate", "provider": "openai", "model": "gpt-4o"}
    assert value(seen, "mcp_request_duration_seconds_bucket", **labels, le="0.05") == 50
    assert value(seen, "mcp_time_to_first_token_seconds_count", provider="openai", model="gpt-4o") == 100


def test_nothing_yet():
    summary = metrics().summary()
    assert summary["average_latency_ms"] == 0 and summary["latency_ms"] == {"p50": None, "p95": None, "p99": None}


def test_circuits_are_shown():
    breakers = Breakers()
    seen = Metrics(breakers.providers)
    seen.observe(call())
    for _ in range(5):
        breakers.failed(("openai", "https://x.test", "gpt-4o"))
    text, _ = seen.exposition("")
    assert b'mcp_provider_circuit_state{provider="openai"} 2.0' in text


def test_memory_is_bounded():
    seen = metrics(*(call() for _ in range(5000)))
    assert len(seen._latencies) == 4096  # pyright: ignore[reportPrivateUsage]
