from __future__ import annotations

import httpx
from llm_gateway.metrics_server import metrics_server
from llm_gateway.routing.breakers import Breakers
from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.metrics import Metrics

from tests.llm_gateway.telemetry.test_metrics import call


async def test_the_exposition_has_a_port_of_its_own():
    metrics = Metrics(Breakers().providers)
    records = RecordDispatcher([metrics])
    async with (
        metrics_server("127.0.0.1", 0, metrics, records) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", verify=False) as http,
    ):
        records(call())
        plain = await http.get("/metrics")
        modern = await http.get("/metrics", headers={"accept": "application/openmetrics-text"})
        elsewhere = await http.get("/health")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "mcp_requests_total{" in plain.text, "what is still queued is counted before it is read"
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert elsewhere.status_code == 404


async def test_without_a_port_there_is_none():
    async with metrics_server("127.0.0.1", None, Metrics(Breakers().providers), RecordDispatcher([])) as port:
        assert port is None
