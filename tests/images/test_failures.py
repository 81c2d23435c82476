"""Containers that stop, die and come back."""

import time

import httpx
import pytest

pytestmark = pytest.mark.images

QUESTION = "suma 5 y 3"


def test_a_killed_process_comes_back_by_itself(suite, service):
    before = suite.inspect(service)
    suite.crash(service)
    deadline = time.monotonic() + 30
    while (after := suite.inspect(service))["RestartCount"] == before["RestartCount"]:
        assert time.monotonic() < deadline, "not restarted"
        time.sleep(0.2)
    assert after["Id"] == before["Id"]
    suite.wait_healthy(service)
    assert suite.ask(QUESTION).status_code == 200


@pytest.mark.parametrize("gone", ["llm-gateway", "toolbox"])
def test_an_agent_says_what_is_away_and_recovers_without_a_restart(suite, gone):
    started_at = suite.inspect("agent-http")["State"]["StartedAt"]
    suite.compose("kill", gone)
    try:
        asked = time.monotonic()
        answer = suite.ask(QUESTION)
        assert time.monotonic() - asked < 15
        assert answer.status_code == 503, answer.text
        error = answer.json()["error"]
        assert error.keys() == {"message", "type", "code", "param", "request_id"}
        assert error["request_id"] == answer.headers["x-request-id"]
        assert int(answer.headers["retry-after"]) > 0
        assert httpx.get(f"{suite.url('agent-http')}/health", timeout=15).json()["status"] == "degraded"
        assert httpx.get(f"{suite.url('agent-http')}/readyz").status_code == 200
    finally:
        suite.compose("start", gone)
        suite.wait_healthy(gone)
    assert _answer_within(suite, 20) == 200
    assert suite.inspect("agent-http")["State"]["StartedAt"] == started_at


def _answer_within(suite, seconds):
    """Status of the first answer that is not a 503."""
    deadline = time.monotonic() + seconds
    while (status := suite.ask(QUESTION).status_code) == 503 and time.monotonic() < deadline:
        time.sleep(0.5)
    return status


def test_the_suite_stops_quickly_cleanly_and_starts_again(suite):
    asked = time.monotonic()
    suite.compose("stop")
    assert time.monotonic() - asked < 15
    states = {service: suite.inspect(service)["State"] for service in suite.SERVICES}
    suite.compose("up", "-d", "--wait")
    assert {service: (state["ExitCode"], state["OOMKilled"]) for service, state in states.items()} == dict.fromkeys(
        suite.SERVICES, (0, False)
    )
    assert suite.ask(QUESTION).status_code == 200
