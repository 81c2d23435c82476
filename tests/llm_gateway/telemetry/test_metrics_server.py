from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from llm_gateway.routing.breakers import Breakers
from llm_gateway.settings import GatewaySettings
from llm_gateway.telemetry import metrics_server as metrics_server_module
from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.metrics import Metrics
from llm_gateway.telemetry.metrics_server import metrics_server
from service_kit.edge.limits import ConnectionLimits
from service_kit.settings import load
from service_kit.telemetry.refusals import Refusals

from tests.llm_gateway.telemetry.test_metrics import call


@asynccontextmanager
async def serving(**environ: str) -> AsyncIterator[tuple[httpx.AsyncClient, RecordDispatcher]]:
    metrics = Metrics(Breakers().providers)
    records = RecordDispatcher([metrics])
    settings = load(GatewaySettings, {"METRICS_PORT": "0", **environ})
    async with (
        metrics_server(settings, metrics, records, Refusals()) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", verify=False) as http,
    ):
        yield http, records


async def test_the_exposition_has_a_port_of_its_own():
    async with serving() as (http, records):
        records(call())
        plain = await http.get("/metrics")
        modern = await http.get("/metrics", headers={"accept": "application/openmetrics-text"})
        elsewhere = await http.get("/health")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "mcp_requests_total{" in plain.text, "what is still queued is counted before it is read"
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert elsewhere.status_code == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9090", 200), ("127.0.0.1:9090", 200), ("llm-gateway:9090", 200), ("10.1.2.3:9090", 200),
        ("[fd00::7]:9090", 200), ("[::1]", 200), ("evil.example", 421), ("evil.example:9090", 421),
        ("10.1.2.3.evil.example", 421), ("", 421), ("localhost.evil.example:9090", 421),
    ],
)  # fmt: skip
async def test_a_strange_name_is_refused_and_an_address_is_not(host: str, status: int):
    async with serving(ALLOWED_HOSTS="localhost,llm-gateway") as (http, _):
        answer = await http.get("/metrics", headers={"host": host})
    assert answer.status_code == status
    assert status == 200 or (answer.json()["error"]["code"] == "host_not_allowed" and "mcp_" not in answer.text)


async def test_the_border_is_that_of_the_service():
    async with serving() as (http, _):
        twice = await http.get("/metrics", headers=[("origin", "http://a"), ("origin", "http://localhost:8002")])
        page = await http.get("/metrics", headers={"origin": "http://evil.example"})
        elsewhere = await http.get("/nowhere", headers={"x-request-id": "lost"})
        posted = await http.post("/metrics", json={})
    assert (twice.status_code, twice.json()["error"]["code"]) == (400, "repeated_header")
    assert (page.status_code, page.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert (elsewhere.json()["error"]["code"], elsewhere.headers["x-request-id"]) == ("not_found", "lost")
    assert (posted.status_code, posted.json()["error"]["code"]) == (405, "method_not_allowed")


async def test_half_a_request_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metrics_server_module, "ConnectionLimits", lambda: ConnectionLimits(head_seconds=0.5))
    async with serving() as (http, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", http.base_url.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: local")
        assert (await asyncio.wait_for(reader.read(), 8)).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with serving(METRICS_PORT=str(taken.getsockname()[1])):
            pass


async def test_without_a_port_there_is_none():
    settings = load(GatewaySettings, {})
    async with metrics_server(settings, Metrics(Breakers().providers), RecordDispatcher([]), Refusals()) as port:
        assert port is None
