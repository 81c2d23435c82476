"""The toolbox as a process: it starts, and it stops when told to, even while clients are listening."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.ports import free_port

ACCEPT = {"accept": "application/json, text/event-stream"}
GRACE_SECONDS = 20


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


async def test_a_clients_mistakes_are_no_errors_of_ours(process: tuple[Process, str]):
    child, url = process
    host, port = url.removeprefix("http://").split(":")
    async with httpx.AsyncClient(base_url=url) as http, http.stream("GET", "/sse") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        endpoint = (await anext(lines)).removeprefix("data: ")
        for path in (endpoint, "/mcp", "/mcp/tools/call"):
            headers = {**ACCEPT, "content-type": "application/json"}
            assert (await http.post(path, headers=headers, content=b"hunter2")).status_code == 400
            _, writer = await asyncio.open_connection(host, int(port))
            head = [f"POST {path} HTTP/1.1", f"host: {host}", f"accept: {ACCEPT['accept']}"]
            head += ["content-type: application/json", "content-length: 500", "", "{"]
            writer.write("\r\n".join(head).encode())
            await writer.drain()
            writer.close()
            await writer.wait_closed()
    child.terminate()
    out, _ = await asyncio.wait_for(child.communicate(), GRACE_SECONDS / 4)
    assert b"Traceback" not in out
    assert b"hunter2" not in out
    assert not [line for line in map(json.loads, out.splitlines()) if line["level"] == "error"]


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
