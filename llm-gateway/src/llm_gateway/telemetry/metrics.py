"""Totals of this process, for Prometheus and as JSON, from records. The number of labels is bounded."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from llm_gateway.canonical import Usage
from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.record import CallRecord

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SAMPLES = 4096
_CIRCUIT = {"closed": 0, "half_open": 1, "open": 2}


class _Group:
    """What the records of one batch that are alike have in common, and their sums.

    A counter of the library takes a lock and a check for each change: summing up first costs a third of that.
    """

    __slots__ = ("cached", "completion", "cost", "duration", "errors", "prompt", "reasoning", "requests")

    def __init__(self, duration: Any) -> None:
        self.duration = duration
        self.requests = self.errors = self.prompt = self.completion = self.cached = self.reasoning = 0
        self.cost = Decimal(0)

    def add(self, usage: Usage | None, cost: Decimal | None) -> None:
        """Adds one record's. No figure may be below zero: no counter takes that."""
        self.requests += 1
        if usage is not None:
            self.prompt += max(0, usage.prompt_tokens)
            self.completion += max(0, usage.completion_tokens)
            self.cached += max(0, usage.cached_tokens)
            self.reasoning += max(0, usage.reasoning_tokens)
        if cost and cost > 0:
            self.cost += cost


class _Tally:
    """Requests, errors, tokens and money of one provider, model or key."""

    __slots__ = ("cost", "errors", "requests", "tokens")

    def __init__(self) -> None:
        self.requests = self.errors = self.tokens = 0
        self.cost = Decimal(0)

    def add(self, group: _Group) -> None:
        self.requests += group.requests
        self.errors += group.errors
        self.tokens += group.prompt + group.completion
        self.cost += group.cost

    def as_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "errors": self.errors,
            "tokens": self.tokens,
            "cost_usd": float(self.cost),
        }


class Metrics:
    """Latencies in the JSON are over the last few thousand calls; the histograms are over all of them.

    `circuits` gives the state of each provider's circuit; those that it does not name are closed.
    """

    def __init__(self, circuits: Callable[[], Mapping[str, str]]) -> None:
        self._circuits = circuits
        self.registry = registry = CollectorRegistry()
        by_model = ("provider", "model")
        self._requests = Counter("mcp_requests", "Requests", ("method", "status", *by_model), registry=registry)
        self._duration = Histogram(
            "mcp_request_duration_seconds", "Time to the last byte", ("method", *by_model), buckets=_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self._first_token = Histogram(
            "mcp_time_to_first_token_seconds", "Time to the first content of a stream", by_model, buckets=_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self._tokens = Counter("mcp_tokens_used", "Tokens", (*by_model, "kind"), registry=registry)
        self._cost = Counter("mcp_cost_usd", "Cost in USD, where it is known", by_model, registry=registry)
        self._hits = Counter("mcp_cache_hits", "Answers from the cache", registry=registry)
        self._misses = Counter("mcp_cache_misses", "Look-ups that found nothing", registry=registry)
        self._level_hits = Counter("mcp_cache_level_hits", "Cache hits by level", ("level",), registry=registry)
        self._errors = Counter("mcp_errors", "Errors", ("type", "provider"), registry=registry)
        self._circuit = Gauge(
            "mcp_provider_circuit_state",
            "The worst of its deployments: 0 closed, 1 half open, 2 open",
            ("provider",),
            registry=registry,
        )
        self._groups: dict[tuple[Any, ...], _Group] = {}
        self._children: dict[tuple[Any, tuple[str, ...]], Any] = {}
        self._total = _Tally()
        self._models: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._providers: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._keys: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._error_codes: defaultdict[str, int] = defaultdict(int)
        self._cache: defaultdict[str, int] = defaultdict(int)
        self._latencies: deque[float] = deque(maxlen=_SAMPLES)
        self._first_tokens: deque[float] = deque(maxlen=_SAMPLES)
        self._latency_sum = 0.0

    # --- in ---

    def observe(self, record: CallRecord) -> None:
        provider, model, surface = record.provider or "none", record.metered_model, record.surface
        cache = (record.cache, record.cache_level)
        key = (surface, record.status, provider, model, record.principal, cache, record.error_code)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(self._of(self._duration, surface, provider, model))
        usage = record.usage if record.billed else None
        group.add(usage, record.cost_usd)
        if usage is not None and record.cost_usd and record.cost_usd > 0:  # floats: their sum depends on the order
            self._of(self._cost, provider, model).inc(float(record.cost_usd))
        group.duration.observe(record.latency_ms / 1000)
        if record.ttft_ms is not None:
            self._of(self._first_token, provider, model).observe(record.ttft_ms / 1000)
            self._first_tokens.append(record.ttft_ms)
        self._latencies.append(record.latency_ms)
        self._latency_sum += record.latency_ms

    def flush(self) -> None:
        """Adds the batch to the totals."""
        groups, self._groups = self._groups, {}
        for (surface, status, provider, model, principal, cache, code), group in groups.items():
            self._of(self._requests, surface, status, provider, model).inc(group.requests)
            self._count_tokens(group, provider, model)
            self._count_cache(cache, group.requests)
            if status == "error":
                group.errors = group.requests
                self._errors.labels(code or "unknown", provider).inc(group.errors)
                self._error_codes[code or "unknown"] += group.errors
            for tally in (self._total, self._models[model], self._providers[provider], self._keys[principal]):
                tally.add(group)

    def _of(self, metric: Any, *labels: str) -> Any:
        """The metric's child with these labels; found once, since the library's own look-up takes a lock."""
        child = self._children.get((metric, labels))
        if child is None:
            child = self._children[(metric, labels)] = metric.labels(*labels)
        return child

    def _count_tokens(self, group: _Group, provider: str, model: str) -> None:
        for kind in ("prompt", "completion", "cached", "reasoning"):
            count: int = getattr(group, kind)
            if count:
                self._of(self._tokens, provider, model, kind).inc(count)

    def _count_cache(self, found: tuple[str, str | None], count: int) -> None:
        status, level = found
        self._cache[status] += count
        if status == "hit":
            self._hits.inc(count)
            self._of(self._level_hits, level or "memory").inc(count)
        elif status == "miss":
            self._misses.inc(count)

    # --- out ---

    def watch(self, dispatcher: RecordDispatcher) -> None:
        """Shows what the dispatcher of the records has lost, beside the totals of those that arrived."""
        self.registry.register(_Losses(dispatcher))

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Prometheus's text, in the form that `accept` prefers, and its content type."""
        self.flush()
        circuits = self._circuits()
        for provider in self._providers:
            if provider != "none":
                self._circuit.labels(provider).set(_CIRCUIT[circuits.get(provider, "closed")])
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def summary(self, key: str | None = None) -> dict[str, Any]:
        """The totals as JSON; `cache_hit_rate` is hits over look-ups. `by_key` has the principal `key` alone, or all
        of them when that is None."""
        self.flush()
        total, hits = self._total, self._cache["hit"]
        looked = hits + self._cache["miss"]
        return {
            "total_requests": total.requests,
            "total_tokens": total.tokens,
            "total_cost_usd": float(total.cost),
            "average_latency_ms": round(self._latency_sum / total.requests, 3) if total.requests else 0.0,
            "cache_hit_rate": round(hits / looked, 4) if looked else 0.0,
            "requests_by_model": {name: tally.requests for name, tally in self._models.items()},
            "total_errors": total.errors,
            "errors_by_code": dict(self._error_codes),
            "latency_ms": _percentiles(self._latencies),
            "time_to_first_token_ms": _percentiles(self._first_tokens),
            "cache": dict(self._cache),
            "by_provider": {name: tally.as_json() for name, tally in self._providers.items()},
            "by_key": {name: tally.as_json() for name, tally in self._keys.items() if key in (None, name)},
        }


class _Losses:
    """Records that no sink, or not every sink, has taken up."""

    def __init__(self, dispatcher: RecordDispatcher) -> None:
        self._dispatcher = dispatcher

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("mcp_records_dropped", "Records that found the queue full", self._dispatcher.dropped)
        failures = CounterMetricFamily(
            "mcp_record_sink_failures", "Records that a sink could not take up", labels=["sink"]
        )
        for sink, count in self._dispatcher.failures.items():
            failures.add_metric([sink], count)
        yield failures


def _percentiles(samples: deque[float]) -> dict[str, float | None]:
    ordered = sorted(samples)
    if not ordered:
        return {"p50": None, "p95": None, "p99": None}
    last = len(ordered) - 1
    return {f"p{p}": round(ordered[min(last, len(ordered) * p // 100)], 3) for p in (50, 95, 99)}
