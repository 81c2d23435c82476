"""The toolbox as a process: it starts, and it stops when it is told to, whoever is still listening."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import httpx
import pytest

ACCEPT = {"accept": "application/json, text/event-stream"}
GRACE_SECONDS = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
async def process() -> AsyncIterator[tuple[Process, str]]:
    port = free_port()
    environ = {**os.environ, "PORT": str(port), "LOG_FORMAT": "json", "SHUTDOWN_GRACE_SECONDS": str(GRACE_SECONDS)}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", stdout=PIPE, stderr=PIPE, env=environ
    )
    url = f"http://127.0.0.1:{port}"
    async with asyncio.timeout(30), httpx.AsyncClient() as http:
        while True:
            try:
                await http.get(f"{url}/readyz")
                break
            except httpx.TransportError:
                assert child.returncode is None
                await asyncio.sleep(0.05)
    yield child, url
    if child.returncode is None:
        child.kill()
    await child.communicate()


async def test_sigterm_ends_every_open_stream_and_exits_0(process: tuple[Process, str]):
    child, url = process
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "wire", "version": "1"},
        },
    }
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        opened = await http.post("/mcp", headers=ACCEPT, json=initialize)
        session = {**ACCEPT, "mcp-session-id": opened.headers["mcp-session-id"]}
        async with http.stream("GET", "/sse") as legacy, http.stream("GET", "/mcp", headers=session) as current:
            child.send_signal(signal.SIGTERM)
            # Both end as complete responses: a cut connection would raise here.
            async with asyncio.timeout(GRACE_SECONDS / 4):
                assert b"event: endpoint" in await legacy.aread()
                await current.aread()
    out, err = await asyncio.wait_for(child.communicate(), GRACE_SECONDS / 4)
    assert child.returncode == 0
    assert err == b""
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["service"] for line in lines} == {"mcp-toolbox"}
    assert not [line for line in lines if line["level"] in ("error", "critical")]


async def test_sigint_exits_0(process: tuple[Process, str]):
    child, _ = process
    child.send_signal(signal.SIGINT)
    await asyncio.wait_for(child.communicate(), GRACE_SECONDS / 4)
    assert child.returncode == 0


async def test_open_to_the_world_without_keys_it_refuses_to_start():
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", stdout=PIPE, stderr=PIPE, env={**os.environ, "HOST": "0.0.0.0"}
    )
    _, err = await asyncio.wait_for(child.communicate(), 20)
    assert child.returncode == 2
    assert b"HOST" in err
