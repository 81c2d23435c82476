"""`make up`: it starts, proves itself, names what is in its way, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time

import httpx
import pytest
from fake_providers import Fails, FakeOpenAI
from service_kit.testing import running

from tests.e2e.suite import PORT_VARIABLES, UpProcess, clean_environment, is_running, starting
from tests.ports import free_ports

SERVICES = {"llm_gateway", "mcp_toolbox", "agent_http", "agent_websocket"}


def test_it_shows_a_first_answer_and_where_everything_is(suite: UpProcess) -> None:
    assert 'multiply(a=25, b=8) → 200; uppercase(text="200") → 200' in suite.output
    for url in (suite.gateway, suite.toolbox, suite.http, suite.ws):
        assert url in suite.output


def test_it_says_that_the_planner_stood_in(suite: UpProcess) -> None:
    assert "(offline, in place of bedrock-nova-pro, " in suite.output


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"OPENAI_API_KEY": "sk-wrong"}, "openai ha rechazado OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "sk-wrong", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "en OPENAI_BASE_URL"),
    ],
    ids=["a wrong key", "a provider that is away"],
)
async def test_a_provider_that_fails_stops_nothing_and_is_named(environ: dict[str, str], said: str) -> None:
    async with running(FakeOpenAI(*[Fails(401)] * 20)) as url:
        with starting(**{"OPENAI_BASE_URL": f"{url}/v1", **environ}) as up:
            await asyncio.to_thread(up.wait_until_up)
            (line,) = [line for line in up.output.splitlines() if "the first question failed: openai" in line]
            assert said in line
            assert f"curl -X POST {up.http}/process" in up.output
            body = {"input": "suma 10 y 5", "model": "offline"}
            async with httpx.AsyncClient(timeout=30) as http:
                assert '"15"' in (await http.post(f"{up.http}/process", json=body)).text
            assert up.end() == 0
    assert "sk-wrong" not in up.output


def test_sigterm_stops_everything_cleanly() -> None:
    with starting() as up:
        up.wait_until_up()
        children = up.children()
        assert set(children) == SERVICES
        assert up.end(signal.SIGTERM) == 0
        assert not [pid for pid in children.values() if is_running(pid)]
        assert "Traceback" not in up.output
        assert up.output.count("stopped") == len(SERVICES)


def test_ctrl_c_before_it_is_ready_stops_everything() -> None:
    with starting() as up:
        up.wait_for("starting")
        children = up.children()
        assert up.end(signal.SIGINT) == 0
        assert not [pid for pid in children.values() if is_running(pid)]


def test_no_orphan_is_left_when_it_is_killed() -> None:
    with starting() as up:
        up.wait_until_up()
        children = up.children()
        os.kill(up.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(map(is_running, children.values())) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [name for name, pid in children.items() if is_running(pid)]


def test_a_service_that_dies_ends_the_suite_and_is_named() -> None:
    with starting() as up:
        up.wait_until_up()
        os.kill(up.children()["mcp_toolbox"], signal.SIGKILL)
        assert up.process.wait(30) == 1
        up.wait_for("mcp-toolbox ended by itself")


def test_a_taken_port_is_said_by_name() -> None:
    ports = free_ports(4)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[2]))
        taken.listen()
        up = UpProcess(clean_environment(**dict(zip(PORT_VARIABLES, map(str, ports), strict=True))), ports)
        assert up.process.wait(30) == 1
        up.wait_for(f"port {ports[2]} (agent-http) is taken: stop what uses it, or set AGENT_HTTP_PORT")


def test_a_wrong_setting_is_said_by_name() -> None:
    with starting(MAX_STEPS="many") as up:
        up.wait_for("configuration error: MAX_STEPS")
        assert up.process.wait(30) == 1


def test_a_port_that_is_none_is_said_by_name() -> None:
    up = UpProcess(clean_environment(PORT="eighty"), free_ports(4))
    assert up.process.wait(30) == 1
    up.wait_for("PORT: 'eighty' is not a port number")


def test_only_the_gateway_gets_the_providers_keys() -> None:
    with starting(OPENAI_API_KEY="sk-secret", OPENAI_BASE_URL="http://127.0.0.1:9/v1", DEFAULT_MODEL="offline") as up:
        up.wait_until_up()
        holders = set()
        for module, pid in up.children().items():
            with open(f"/proc/{pid}/environ", "rb") as environ:
                if b"sk-secret" in environ.read():
                    holders.add(module)
        assert holders == {"llm_gateway"}
        assert "sk-secret" not in up.output


def test_with_keys_it_still_proves_itself() -> None:
    keys = {"AUTH_MODE": "keys", "API_KEYS": "people-key,agents-key"}
    with starting(**keys, LLM_GATEWAY_API_KEY="agents-key", TOOLBOX_API_KEY="agents-key") as up:
        up.wait_until_up()
        assert httpx.post(f"{up.http}/process", json={"input": "suma 1 y 2"}).status_code == 401
        answer = httpx.post(
            f"{up.http}/process", json={"input": "suma 1 y 2"}, headers={"x-api-key": "people-key"}, timeout=30
        )
        assert answer.json()["steps"][2]["tools"][0]["result"] == "3"
