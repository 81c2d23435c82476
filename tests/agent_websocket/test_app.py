"""The service as a whole: its page, its descriptions, its prefix, and the real agent in it."""

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import httpx
import pytest
from agent_core.testing import Answer, FakeToolbox, ScriptedGateway, call
from agent_websocket.app import from_environment, page_token_of
from agent_websocket.page import PageNotFoundError, find_page, policy_in
from service_kit.settings import SettingsError
from service_kit.suite_links import PLACE
from service_kit.testing import running
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from tests.ports import free_port


async def get(url: str, **options):
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        return await http.get(url, **options)


async def test_the_page_is_served_with_its_own_policy_as_a_header(stage):
    answer = await get(f"{stage.url}/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == find_page().read_bytes().decode().replace(PLACE, "")  # no other page is known here
    policy = answer.headers["content-security-policy"]
    assert policy == f"{policy_in(answer.text)}; frame-ancestors 'none'"
    assert "unsafe-inline" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_page_is_kept_by_its_tag(stage):
    first = await get(f"{stage.url}/")
    again = await get(f"{stage.url}/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_page_needs_no_key(stage_of):
    async with stage_of(AUTH_MODE="keys", API_KEYS="some-key") as stage:
        assert (await get(f"{stage.url}/")).status_code == 200
        assert (await get(f"{stage.url}/health")).status_code == 200


def test_the_page_is_found_in_a_wheel_and_beside_the_sources(tmp_path):
    installed = tmp_path / "site-packages" / "agent_websocket"
    installed.mkdir(parents=True)
    with pytest.raises(PageNotFoundError):
        find_page(installed)
    sources = tmp_path / "repository" / "agent-websocket" / "src" / "agent_websocket"
    sources.mkdir(parents=True)
    (tmp_path / "repository" / "test-websocket.html").write_text("sources")
    assert find_page(sources).read_text() == "sources"
    (installed / "test-websocket.html").write_text("wheel")
    assert find_page(installed).read_text() == "wheel"


def test_a_page_without_a_policy_is_not_served():
    with pytest.raises(ValueError, match="Content-Security-Policy"):
        policy_in("<!doctype html><title>x</title>")


async def test_health(stage):
    body = (await get(f"{stage.url}/health")).json()
    assert body.pop("version")
    assert {loop["state"] for loop in body.pop("background")} <= {"running"}
    assert body == {
        "status": "healthy", "service": "websocket-agent", "mcp_connected": True, "mcp_tools": 1,
        "llm_gateway_connected": True, "active_connections": 0,
    }  # fmt: skip


async def test_the_http_routes_are_described(stage):
    document = (await get(f"{stage.url}/openapi.json")).json()
    assert {"/", "/health", "/healthz", "/readyz"} <= set(document["paths"])
    schema = document["components"]["schemas"]["Health"]
    assert {"mcp_connected", "mcp_tools", "active_connections"} <= set(schema["required"])


async def test_everything_works_under_a_prefix(stage_of):
    async with stage_of(ROOT_PATH="/api/ws") as stage:
        assert (await get(f"{stage.url}/api/ws/")).status_code == 200
        assert (await get(f"{stage.url}/api/ws", follow_redirects=True)).status_code == 200
        assert (await get(f"{stage.url}/api/ws/health")).json()["service"] == "websocket-agent"
        assert (await get(f"{stage.url}/api/ws/docs")).status_code == 200
        for id_ in (None, "c"):
            async with stage.client(id_, prefix="/api/ws") as client:
                await client.say("x")
                assert (await client.until("complete"))[-1]["type"] == "complete"


def test_a_variable_that_does_not_parse_is_named():
    with pytest.raises(SettingsError, match="WS_MAX_CONNECTIONS"):
        from_environment({"WS_MAX_CONNECTIONS": "many"})
    with pytest.raises(SettingsError, match="MCP_SERVER_URL"):
        from_environment({"MCP_SERVER_URL": "not an address"})


@pytest.mark.parametrize("chosen", ["", "chosen-by-the-operator"])
async def test_a_token_that_was_made_up_is_told_and_one_that_was_chosen_is_not(chosen):
    app, _ = from_environment({"PAGE_TOKEN": chosen})
    with capture_logs() as logged:
        async with running(app):
            pass
    told = next(line for line in logged if line["event"] == "chat page")
    assert told["url"] == "http://127.0.0.1:8002/"
    assert ("token_for_the_page_opened_from_disk" in told) is (not chosen)
    assert "chosen" not in str(logged)


async def test_with_keys_there_is_a_token_only_if_the_operator_has_chosen_one():
    keys = {"AUTH_MODE": "keys", "API_KEYS": "sk-right-0123456789abcdef"}
    app, settings = from_environment(keys)
    assert page_token_of(settings) is None
    with capture_logs() as logged:
        async with running(app):
            pass
    assert "token_for_the_page_opened_from_disk" not in str(logged)
    assert page_token_of(from_environment({**keys, "PAGE_TOKEN": "chosen"})[1]) == "chosen"


# --- with the real agent ---


@asynccontextmanager
async def dependencies(*answers: Answer):
    gateway, toolbox = ScriptedGateway(), FakeToolbox()
    gateway.then(*answers)
    async with gateway.running() as gateway_url, toolbox.running() as toolbox_url:
        yield gateway, {"LLM_GATEWAY_URL": gateway_url, "MCP_SERVER_URL": toolbox_url}


async def read_until(socket_, *types):
    frames = []
    async with asyncio.timeout(15):
        while not frames or frames[-1]["type"] not in types:
            frames.append(json.loads(await socket_.recv()))
    return frames


async def test_a_sum_through_the_real_agent():
    answers = Answer(calls=(call("add", {"a": 10, "b": 5}),)), Answer("El resultado es **15**.")
    async with dependencies(*answers) as (_, environ):
        app, settings = from_environment(environ)
        async with (
            running(app, ws_max_size=settings.largest_frame_bytes) as url,
            connect(url.replace("http", "ws") + "/ws", proxy=None) as client,
        ):
            greeting = json.loads(await client.recv())
            assert "offline" in [model["name"] for model in greeting["models"]]
            await client.send(json.dumps({"type": "message", "content": "suma 10 y 5"}))
            frames = await read_until(client, "complete", "error")
    told = [frame["type"] for frame in frames if frame["type"] != "token"]
    assert told == ["start", "step", "step", "tool_call", "tool_result", "step", "response", "complete"]
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    nodes = [(frame["node"], frame.get("model")) for frame in frames if frame["type"] == "step"]
    assert nodes == [("process_input", None), ("llm", "offline"), ("llm", "offline")]
    by_type = {frame["type"]: frame for frame in frames}
    assert by_type["tool_call"]["args"] == {"a": 10, "b": 5}
    assert by_type["tool_result"]["result"] == "15"
    assert by_type["tool_result"]["id"] == by_type["tool_call"]["id"]
    assert "<strong>15</strong>" in by_type["response"]["html"]
    assert by_type["complete"]["steps"] == 5


async def test_a_cancelled_run_leaves_the_conversation_usable():
    slow = Answer("una respuesta muy larga que no se acaba nunca", pause=0.5)
    async with dependencies(slow, Answer("bien")) as (_, environ):
        app, _ = from_environment(environ)
        async with running(app) as url, connect(url.replace("http", "ws") + "/ws", proxy=None) as client:
            await client.recv()
            await client.send(json.dumps({"type": "message", "content": "cuenta"}))
            await read_until(client, "token")
            await client.send(json.dumps({"type": "cancel"}))
            assert (await read_until(client, "cancelled", "complete"))[-1]["type"] == "cancelled"
            await client.send(json.dumps({"type": "message", "content": "otra cosa"}))
            frames = await read_until(client, "response", "error")
            assert frames[-1]["content"] == "bien"


async def test_without_gateway_and_toolbox_it_greets_and_says_what_is_away():
    app, _ = from_environment({"LLM_GATEWAY_URL": "http://127.0.0.1:1", "MCP_SERVER_URL": "http://127.0.0.1:1"})
    async with running(app) as url, connect(url.replace("http", "ws") + "/ws", proxy=None) as client:
        async with asyncio.timeout(8):
            greeting = json.loads(await client.recv())
        assert (greeting["models"], greeting["tools"]) == ([], [])
        await client.send(json.dumps({"type": "message", "content": "hola"}))
        error = (await read_until(client, "error", "complete"))[-1]
        assert error["code"] in ("llm_gateway_unavailable", "toolbox_unavailable")
        assert error["run_id"]
        assert (await get(f"{url}/health")).json()["status"] == "degraded"


# --- as a process ---

_PATIENCE = 60.0
"""Seconds; importing and leaving take a moment of a busy machine's time."""


@asynccontextmanager
async def process(environ, **variables):
    port = free_port()
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent_websocket",
        env={**environ, **variables, "PORT": str(port), "PATH": os.environ["PATH"], "LOG_FORMAT": "json"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        await ready(f"http://127.0.0.1:{port}")
        yield service, f"127.0.0.1:{port}"
    finally:
        if service.returncode is None:
            service.kill()
        await service.communicate()


async def ready(url: str):
    async with asyncio.timeout(_PATIENCE):
        while True:
            try:
                if (await get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def closed_with(client) -> int | None:
    async with asyncio.timeout(5):
        await client.wait_closed()
    return client.close_code


async def test_sigterm_lets_the_run_finish_then_says_goodbye_and_exits_0():
    slow = Answer("uno dos tres cuatro cinco", pause=0.2)
    async with dependencies(slow) as (_, environ), process(environ) as (service, address):
        async with connect(f"ws://{address}/ws", proxy=None) as client:
            await client.recv()
            await client.send(json.dumps({"type": "message", "content": "cuenta"}))
            await read_until(client, "token")
            service.send_signal(signal.SIGTERM)
            frames = await read_until(client, "complete", "error")
            assert frames[-1]["type"] == "complete"
            assert await closed_with(client) == 1012
        async with asyncio.timeout(_PATIENCE):
            output, _ = await service.communicate()
        assert service.returncode == 0
        logged = [json.loads(line) for line in output.decode().splitlines()]
        assert [line["url"] for line in logged if line["message"] == "chat page"] == [f"http://{address}/"]
        assert not [line for line in logged if line["level"] in ("error", "critical") or "Traceback" in str(line)]


async def test_sigterm_stops_a_run_that_outlasts_the_grace_period():
    endless = Answer("x " * 1_000, pause=0.2)
    async with (
        dependencies(endless) as (_, environ),
        process(environ, SHUTDOWN_GRACE_SECONDS="1") as (service, address),
        connect(f"ws://{address}/ws", proxy=None) as client,
    ):
        await client.recv()
        await client.send(json.dumps({"type": "message", "content": "cuenta"}))
        await read_until(client, "token")
        service.send_signal(signal.SIGTERM)
        error = (await read_until(client, "complete", "error"))[-1]
        assert (error["type"], error["code"]) == ("error", "service_stopping")
        assert await closed_with(client) == 1012
        async with asyncio.timeout(_PATIENCE):
            assert await service.wait() == 0
