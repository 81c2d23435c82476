"""What a newcomer does after `docker compose up --build -d`: ask, look, measure."""

import json
import time

import httpx
import pytest
from websockets.sync.client import connect

pytestmark = pytest.mark.images


def test_every_service_is_healthy(suite, service):
    answer = httpx.get(f"{suite.url(service)}/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "healthy"
    assert suite.inspect(service)["State"]["Health"]["Status"] == "healthy"


def test_a_question_goes_through_all_services(suite):
    answer = suite.ask("suma 5 y 3")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert "8" in body["result"]
    assert [step["node"] for step in body["steps"]] == ["process_input", "llm", "tool_execution", "llm", "final_answer"]
    (tool,) = body["steps"][2]["tools"]
    assert (tool["name"], tool["result"]) == ("add", "8")
    assert body["provider"] == "offline"


def test_two_steps_in_spanish(suite):
    answer = suite.ask("Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    tools = [tool["name"] for step in body["steps"] for tool in step.get("tools", ())]
    assert tools == ["multiply", "uppercase"]
    assert "200" in body["result"]


def test_the_same_over_websocket(suite):
    address = suite.url("agent-websocket").replace("http://", "ws://")
    with connect(f"{address}/ws") as socket:
        assert json.loads(socket.recv(timeout=10))["type"] == "connected"
        socket.send(json.dumps({"type": "message", "content": "suma 10 y 5"}))
        events = []
        while not events or events[-1]["type"] not in ("complete", "error"):
            events.append(json.loads(socket.recv(timeout=30)))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    (result,) = [event for event in events if event["type"] == "tool_result"]
    assert result["result"] == "15"
    assert (events[-1]["type"], events[-1].get("steps")) == ("complete", 5)


def test_the_chat_page_is_served(suite):
    page = httpx.get(suite.url("agent-websocket"))
    assert page.headers["content-type"].startswith("text/html")
    assert "<html" in page.text
    assert "script-src" in page.headers["content-security-policy"]


def test_prometheus_finds_its_exposition(suite):
    suite.ask("suma 1 y 1")
    exposition = httpx.get(f"{suite.metrics_url}/metrics")
    assert exposition.headers["content-type"].startswith("text/plain")
    assert "mcp_requests_total{" in exposition.text


def test_other_hosts_and_pages_are_refused(suite, service):
    rebound = httpx.get(f"{suite.url(service)}/health", headers={"Host": "evil.example"})
    assert rebound.status_code == 421
    stranger = httpx.get(f"{suite.url(service)}/health", headers={"Origin": "https://evil.example"})
    assert stranger.status_code == 403


def test_logs_are_json_with_the_request_id(suite):
    answer = suite.ask("suma 2 y 2")
    request_id = answer.headers["x-request-id"]
    for service in ("agent-http", "llm-gateway"):
        records = _logged(suite, service, request_id)
        assert all({"timestamp", "level", "message", "service"} <= record.keys() for record in records)


def _logged(suite, service, request_id):
    """The service's log once it has this request, which it writes behind the answer and the engine hands on later."""
    deadline = time.monotonic() + 15
    while True:
        lines = suite.compose("logs", "--no-log-prefix", "--no-color", service).splitlines()
        records = [json.loads(line) for line in lines]
        if any(record.get("requestId") == request_id for record in records):
            return records
        assert time.monotonic() < deadline, f"{service} did not log {request_id}"
        time.sleep(0.3)
