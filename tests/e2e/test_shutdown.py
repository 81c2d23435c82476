"""A service that is told to stop in the middle of its work: it ends within its grace period, and so does the work."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from agent_core.testing import Answer, FakeToolbox, ScriptedGateway, call
from fake_providers import Endless, FakeOpenAI, Silent
from mcp import Client
from service_kit.testing import running
from websockets.asyncio.client import connect

from tests.e2e.suite import ROOT, clean_environment
from tests.ports import free_ports
from tests.waiting import eventually

GRACE_SECONDS = 1
LONGEST_SECONDS = GRACE_SECONDS + 9
"""The grace period, and what leaving takes on a busy machine."""

_CUT = re.compile(r"Cancel \d+ running task\(s\), timeout graceful")
"""How uvicorn says that a request outlived the grace period."""

Start = Callable[[str], Awaitable[object]]
Holds = Callable[[], bool]


@dataclass
class Work:
    """Something that a service does without an end.

    `ask` asks for it at an address; `runs` says whether the peer behind the service is busy with it, `over` whether
    that peer has been told to stop. `told` is how often the log has these messages then: a cancellation that was
    swallowed on its way out leaves none.
    """

    module: str
    variables: dict[str, str]
    ask: Start
    runs: Holds
    over: Holds
    told: dict[str, int]


CUT = "cut off by the stop"
Opened = AbstractAsyncContextManager[Work]
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hola"}]}


# --- the gateway ---


@asynccontextmanager
async def generation(stream: bool, callers: int = 1) -> AsyncIterator[Work]:
    fake = FakeOpenAI(Endless(pause=0.01) if stream else Silent())
    taken_in: list[str] = []  # a stream's head comes to all its readers; an answer says nothing before its end
    awaited = "http11.receive_response_headers.complete" if stream else "http11.send_request_body.complete"

    async def trace(event: str, info: object) -> None:
        if event == awaited:
            taken_in.append(event)

    async with running(fake) as url:

        async def ask(gateway: str) -> None:
            async with httpx.AsyncClient(base_url=gateway, timeout=30) as http:
                body = {**CHAT, "stream": stream}
                asking = (
                    http.post("/v1/chat/completions", json=body, extensions={"trace": trace}) for _ in range(callers)
                )
                await asyncio.gather(*asking)

        yield Work(
            "llm_gateway", {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": f"{url}/v1", "UPSTREAM_RETRIES": "0"}, ask,
            lambda: bool(fake.calls) and len(taken_in) == callers, lambda: fake.calls[0].left.is_set(),
            {CUT: callers, "call failed": callers},
        )  # fmt: skip


# --- the toolbox ---


async def over_rest(toolbox: str) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        await http.post(f"{toolbox}/mcp/tools/call", json={"name": "far__slow", "arguments": {"seconds": 60}})


async def over_mcp(toolbox: str) -> None:
    async with Client(f"{toolbox}/mcp") as client:
        await client.call_tool("far__slow", {"seconds": 60})


async def over_a_session(toolbox: str) -> None:
    async with Client(f"{toolbox}/mcp", mode="legacy") as client:
        await client.call_tool("far__slow", {"seconds": 60})


@asynccontextmanager
async def tool(folder: Path, ask: Start) -> AsyncIterator[Work]:
    """A call of another MCP server's tool."""
    far = FakeToolbox()
    async with far.running() as url:
        file = folder / "servers.json"
        file.write_text(json.dumps({"mcpServers": {"far": {"url": f"{url}/mcp"}}}))
        variables = {"MCP_SERVERS_FILE": str(file)}
        told = {CUT: 1, "tool call": 1}
        yield Work("mcp_toolbox", variables, ask, lambda: far.running_now == 1, lambda: far.running_now == 0, told)


# --- the agents ---


async def process_plain(agent: str) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        await http.post(f"{agent}/process", json={"input": "espera"})


async def process_stream(agent: str) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        await http.post(f"{agent}/process/stream", json={"input": "espera"})


async def over_a_socket(agent: str) -> None:
    async with connect(f"{agent.replace('http', 'ws')}/ws", proxy=None) as socket:
        await socket.send(json.dumps({"type": "message", "content": "espera"}))
        async for _ in socket:
            pass


@asynccontextmanager
async def run(module: str, ask: Start, *, of_a_tool: bool) -> AsyncIterator[Work]:
    """A run that waits for its model in the middle of an answer, or for a tool."""
    gateway, toolbox = ScriptedGateway(), FakeToolbox()
    gateway.then(Answer(calls=(call("slow", {"seconds": 60}),)) if of_a_tool else Answer("uno dos", stall=60))
    async with gateway.running() as gateway_url, toolbox.running() as toolbox_url:
        variables = {"LLM_GATEWAY_URL": gateway_url, "MCP_SERVER_URL": toolbox_url}
        told = {CUT: 1} if module == "agent_http" else {"socket closed": 1}
        if of_a_tool:
            yield Work(module, variables, ask, lambda: toolbox.running_now == 1, lambda: toolbox.running_now == 0, told)
        else:
            yield Work(module, variables, ask, lambda: bool(gateway.requests), lambda: gateway.abandoned == 1, told)


WORK: dict[str, Callable[[Path], Opened]] = {
    "gateway: an answer": lambda _: generation(stream=False),
    "gateway: a stream": lambda _: generation(stream=True),
    "gateway: a shared answer": lambda _: generation(stream=False, callers=3),
    "gateway: a shared stream": lambda _: generation(stream=True, callers=3),
    "toolbox: REST": lambda folder: tool(folder, over_rest),
    "toolbox: MCP": lambda folder: tool(folder, over_mcp),
    "toolbox: a session": lambda folder: tool(folder, over_a_session),
    "agent-http: an answer": lambda _: run("agent_http", process_plain, of_a_tool=False),
    "agent-http: a tool": lambda _: run("agent_http", process_plain, of_a_tool=True),
    "agent-http: a stream": lambda _: run("agent_http", process_stream, of_a_tool=False),
    "agent-http: a tool in a stream": lambda _: run("agent_http", process_stream, of_a_tool=True),
    "agent-websocket: a run": lambda _: run("agent_websocket", over_a_socket, of_a_tool=False),
    "agent-websocket: a tool": lambda _: run("agent_websocket", over_a_socket, of_a_tool=True),
}


@asynccontextmanager
async def started(work: Work) -> AsyncIterator[tuple[Process, str]]:
    [port] = free_ports(1)
    environ = clean_environment(
        PORT=str(port), LOG_FORMAT="json", SHUTDOWN_GRACE_SECONDS=str(GRACE_SECONDS), **work.variables
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", work.module, env=environ, cwd=ROOT, stdout=PIPE, stderr=STDOUT
    )
    url = f"http://127.0.0.1:{port}"

    async def healthy() -> bool:
        """Whether it is there, and so are the tools of the server behind a toolbox."""
        assert process.returncode is None
        try:
            answer = await http.get(f"{url}/health")
        except httpx.TransportError:
            return False
        servers = answer.json().get("servers") or {}
        return all(server["status"] == "connected" for server in servers.values())

    try:
        async with httpx.AsyncClient() as http:
            await eventually(healthy, seconds=60)
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("kind", WORK)
async def test_it_ends_with_its_work_within_the_grace_period(kind: str, tmp_path: Path):
    async with AsyncExitStack() as stack:
        work = await stack.enter_async_context(WORK[kind](tmp_path))
        process, url = await stack.enter_async_context(started(work))
        asking = asyncio.ensure_future(work.ask(url))
        await eventually(work.runs, seconds=20)
        await _taken_in(url)
        assert not work.over()
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), LONGEST_SECONDS)
        await eventually(work.over)
        asking.cancel()
        await asyncio.wait([asking], timeout=5)
        assert asking.done()
    assert process.returncode == 0
    lines = _left_nothing(output.decode())
    assert {told: sum(line["message"] == told for line in lines) for told in work.told} == work.told


async def _taken_in(url: str) -> None:
    """Returns when the service has begun with all that was sent before: its loop turns a few times for each answer."""
    async with httpx.AsyncClient(base_url=url) as http:
        for _ in range(5):
            await http.get("/healthz")


def _left_nothing(output: str) -> list[dict[str, Any]]:
    """What it logged: the last line says that it stopped; no task was left to be destroyed, and nothing failed."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
    assert lines[-1]["message"] == "stopped"
    errors = [line["message"] for line in lines if line["level"] in ("error", "critical")]
    assert [message for message in errors if not _CUT.match(message)] == []
    assert "Task was destroyed" not in output and "never awaited" not in output
    return lines
