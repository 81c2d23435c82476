"""A call that runs when the toolbox is told to stop is answered, whichever way it came in."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.mcp_toolbox.server.test_transports import answer, call, open_session, shake_hands, sse
from tests.mcp_toolbox.test_main import free_port

SLOW_SECONDS = 1.5
SCRIPT = f"""
import asyncio, os, sys
from mcp_toolbox.app import create_app, serve_http
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from mcp_toolbox.registry.tool import Hints, from_function
from service_kit.settings import load

async def slow() -> str:
    "Take a while."
    print("working", file=sys.stderr, flush=True)
    await asyncio.sleep({SLOW_SECONDS})
    return "done"

settings = load(ToolboxSettings, os.environ)
sys.exit(serve_http(create_app(settings, ToolRegistry([from_function(slow, Hints())])), settings))
"""


@asynccontextmanager
async def process(grace: int) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    environ = {**os.environ, "PORT": str(port := free_port()), "SHUTDOWN_GRACE_SECONDS": str(grace)}
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, stdout=PIPE, stderr=PIPE, env=environ)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            async with asyncio.timeout(30):
                while not await answers(http):
                    assert child.returncode is None
                    await asyncio.sleep(0.05)
            yield child, http
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def working(child: Process) -> None:
    assert child.stderr
    assert await asyncio.wait_for(child.stderr.readline(), 20) == b"working\n"


async def over_rest(http: httpx.AsyncClient, modern: Any) -> dict[str, Any]:
    return (await http.post("/mcp/tools/call", json={"name": "slow"})).json()


async def over_a_session(http: httpx.AsyncClient, modern: Any) -> dict[str, Any]:
    session = await open_session(http)
    return answer(await http.post("/mcp", headers=session, json=call("slow", {})))["result"]


async def without_one(http: httpx.AsyncClient, modern: Any) -> dict[str, Any]:
    return (await http.post("/mcp", **modern("tools/call", {"name": "slow", "arguments": {}}))).json()["result"]


async def over_sse(http: httpx.AsyncClient, modern: Any) -> dict[str, Any]:
    async with sse(http) as session:
        await shake_hands(http, session, "2024-11-05")
        await http.post(session.endpoint, json=call("slow", {}))
        return (await session.message())["result"]


@pytest.mark.parametrize("way", [over_rest, over_a_session, without_one, over_sse])
async def test_its_answer_arrives_within_the_grace_period(way: Callable[..., Awaitable[dict[str, Any]]], modern: Any):
    async with process(grace=20) as (child, http):
        running = asyncio.create_task(way(http, modern))
        await working(child)
        child.send_signal(signal.SIGTERM)
        result = await asyncio.wait_for(running, 10)
        assert (result["isError"], result["content"][0]["text"]) == (False, "done")
        out, _ = await asyncio.wait_for(child.communicate(), 10)
    assert child.returncode == 0
    assert not [line for line in map(json.loads, out.splitlines()) if line["level"] == "error"]


async def test_what_outlives_the_grace_period_is_cut():
    async with process(grace=1) as (child, http):
        session = await open_session(http)
        running = asyncio.create_task(http.post("/mcp", headers=session, json=call("slow", {})))
        await working(child)
        child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.communicate(), 10)
        await asyncio.wait([running], timeout=5)
    assert child.returncode == 0
