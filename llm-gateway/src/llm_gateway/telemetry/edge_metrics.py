"""What the edge refused, and how late the event loop runs, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from service_kit.telemetry.loop_lag import LoopLag
from service_kit.telemetry.refusals import Refusals


class EdgeMetrics:
    """A collector of the library. The reasons are error codes of the edge, of which there are few."""

    def __init__(self, refusals: Refusals, lag: LoopLag) -> None:
        self._refusals = refusals
        self._lag = lag

    def collect(self) -> Iterator[Metric]:
        yield _counter("mcp_refusals", "Requests and connections refused at the edge", self._refusals.totals)
        yield _counter("mcp_auth_failures", "Requests without a valid credential", self._refusals.auth_failures)
        name, help_ = "mcp_loop_lag_seconds", "The longest delay of the event loop in the last minute"
        yield GaugeMetricFamily(name, help_, self._lag.largest)


def _counter(name: str, help_: str, counts: Mapping[str, int]) -> Metric:
    counter = CounterMetricFamily(name, help_, labels=["reason"])
    for reason, count in counts.items():
        counter.add_metric([reason], count)
    return counter
