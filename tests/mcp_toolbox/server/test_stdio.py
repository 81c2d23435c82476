from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

import pytest


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    """The toolbox as a child that speaks over its standard streams."""
    environ = {**os.environ, "LOG_LEVEL": "DEBUG", "PYTHONUNBUFFERED": "1"}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", "--stdio", stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environ
    )
    yield child
    if child.returncode is None:
        child.kill()
    await child.communicate()


async def ask(process: Process, body: Any) -> dict[str, Any]:
    assert process.stdin and process.stdout
    process.stdin.write((body if isinstance(body, bytes) else json.dumps(body).encode()) + b"\n")
    await process.stdin.drain()
    return json.loads(await asyncio.wait_for(process.stdout.readline(), 20))


def initialize(revision: str) -> dict[str, Any]:
    params = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
    return {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}


def call(name: str, arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


async def test_it_speaks_only_the_protocol_and_leaves_when_its_input_ends(process: Process):
    opened = await ask(process, initialize("2025-11-25"))
    assert opened["result"]["serverInfo"]["name"] == "mcp-toolbox"
    assert (await ask(process, call("add", {"a": 5, "b": 3})))["result"]["content"][0]["text"] == "8"
    assert (await ask(process, call("uppercase", {"text": "señor"})))["result"]["content"][0]["text"] == "SEÑOR"
    assert (await ask(process, call("subtract", {})))["error"]["code"] == -32602
    rest, log = await asyncio.wait_for(process.communicate(b""), 10)  # closes its input
    assert rest == b""
    assert b"serving" in log
    assert process.returncode == 0


async def test_a_malformed_line_does_not_end_it(process: Process):
    assert process.stdin
    await ask(process, initialize("2024-11-05"))
    process.stdin.write(b'{"jsonrpc":\n\xff\xfe\n\n')
    answer = await ask(process, call("multiply", {"a": 7, "b": 8}))
    while answer.get("id") != 1:
        assert process.stdout
        answer = json.loads(await asyncio.wait_for(process.stdout.readline(), 5))
    assert answer["result"]["structuredContent"] == {"result": 56}


async def test_a_signal_ends_it_at_once(process: Process):
    await ask(process, initialize("2025-11-25"))
    process.terminate()
    await asyncio.wait_for(process.wait(), 5)


async def test_a_setting_that_does_not_parse_ends_it_with_one_line_on_standard_error():
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", "--stdio",
        stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, "PORT": "eighty"},
    )  # fmt: skip
    out, err = await asyncio.wait_for(child.communicate(), 20)
    assert (child.returncode, out) == (2, b"")
    assert err.count(b"\n") == 1
    assert b"PORT" in err
