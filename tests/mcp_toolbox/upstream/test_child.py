"""The processes of servers: their environment, and that none is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from mcp_toolbox.upstream.child import Child, environment_of
from mcp_toolbox.upstream.errors import UpstreamUnavailable
from mcp_toolbox.upstream.spec import Command

from tests.ports import free_port


@asynccontextmanager
async def toolbox(servers: dict[str, Any], folder: Path, **environ: str) -> AsyncIterator[tuple[Process, str]]:
    """A toolbox in a process of its own, with these servers."""
    file = folder / "servers.json"
    file.write_text(json.dumps({"mcpServers": servers}))
    port = free_port()
    variables = {**os.environ, "PORT": str(port), "LOG_FORMAT": "json", "MCP_SERVERS_FILE": str(file), **environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", stdout=PIPE, stderr=PIPE, env=variables
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(30), httpx.AsyncClient() as http:
            while True:
                try:
                    await http.get(f"{url}/readyz")
                    break
                except httpx.TransportError:
                    assert child.returncode is None
                    await asyncio.sleep(0.05)
        yield child, url
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def connected(url: str, *names: str) -> dict[str, Any]:
    async with asyncio.timeout(30), httpx.AsyncClient() as http:
        while True:
            health = (await http.get(f"{url}/health")).json()
            if all(health["servers"][name]["status"] == "connected" for name in names):
                return health
            await asyncio.sleep(0.05)


async def test_ten_servers_of_which_three_are_broken(plain: Any, tmp_path: Path, eventually: Any, alive: Any):
    good = {f"good{number}": plain(child=number == 0) for number in range(7)}
    broken = {
        "dead": plain(dead=True),
        "stuck": plain({"connect_timeout_seconds": 1}, hang_on="tools/list", child=True),
        "dying": plain(),
    }
    async with toolbox({**good, **broken}, tmp_path) as (process, url), httpx.AsyncClient(base_url=url) as http:
        await connected(url, *good, "dying")
        dying = await http.post("/mcp/tools/call", json={"name": "dying__die", "arguments": {}})
        assert dying.json()["isError"] is True
        started = time.monotonic()
        calls = [
            http.post("/mcp/tools/call", json={"name": f"{name}__echo", "arguments": {"text": name}}) for name in good
        ]
        assert [call.json()["content"][0]["text"] for call in await asyncio.gather(*calls)] == list(good)
        assert time.monotonic() - started < 6
        health = (await http.get("/health")).json()
        assert health["status"] == "degraded"
        assert health["servers"]["dead"]["status"] == "failed"
        assert health["servers"]["dead"]["error"] == "its process ended with exit code 1"
        assert health["servers"]["stuck"]["status"] in ("connecting", "failed")
        assert (await http.get("/readyz")).status_code == 200
        family = [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
        assert len(family) >= 15  # a server and what watches it, each
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await eventually(lambda: not any(alive(one) for one in family), 10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_every_process(plain: Any, tmp_path: Path, alive: Any, number: signal.Signals):
    servers = {"one": plain(child=True), "stubborn": plain(stubborn=True, child=True)}
    async with toolbox(servers, tmp_path) as (process, url):
        await connected(url, *servers)
        family = [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
        assert len(family) == 6
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), 15)
        assert process.returncode == 0
        assert err == b""
        assert not [json.loads(line) for line in out.splitlines() if b'"error"' in line or b"Traceback" in line]
        assert not any(alive(one) for one in family)


async def test_over_standard_streams_too(plain: Any, tmp_path: Path, eventually: Any, alive: Any):
    file = tmp_path / "servers.json"
    file.write_text(json.dumps({"mcpServers": {"one": plain(child=True)}}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", "--stdio", stdin=PIPE, stdout=PIPE, stderr=PIPE,
        env={**os.environ, "MCP_SERVERS_FILE": str(file)},
    )  # fmt: skip
    family = await eventually(lambda: _whole_family(process.pid, 3))
    process.kill()
    await process.communicate()
    await eventually(lambda: not any(alive(one) for one in family), 10)


def _whole_family(process: int, size: int) -> list[int] | None:
    family = [one.pid for one in psutil.Process(process).children(recursive=True)]
    return family if len(family) == size else None


async def test_a_wrong_file_stops_the_toolbox_at_the_start(tmp_path: Path):
    file = tmp_path / "servers.json"
    file.write_text('{"mcpServers": {\n"one": {"comand": "x"}}}')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", stdout=PIPE, stderr=PIPE, env={**os.environ, "MCP_SERVERS_FILE": str(file)}
    )
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert b"MCP_SERVERS_FILE: line 2: mcpServers.one.comand: unknown field" in err


async def test_killing_what_watches_a_server_ends_the_server(
    upstreams_of: Any, plain: Any, eventually: Any, alive: Any
):
    async with upstreams_of({"one": plain(child=True)}) as running:
        await running.connected("one")
        pids = await running.pids("one")
        os.kill(pids["parent"], signal.SIGKILL)
        await eventually(lambda: not alive(pids["server"]))
        await eventually(lambda: running.server("one")["restarts"] == 1)
        await running.connected("one")
        os.kill(pids["child"], signal.SIGKILL)  # it had a session of its own, and nobody left to find it


async def test_a_server_that_ends_takes_its_children_along(upstreams_of: Any, plain: Any, eventually: Any, alive: Any):
    async with upstreams_of({"one": plain(child=True)}) as running:
        await running.connected("one")
        pids = await running.pids("one")
        await running.registry.call("one__die", {})
        await eventually(lambda: not alive(pids["child"]))


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Command("no-such-program-anywhere"), "command was not found"),
        (Command("/etc/passwd"), "command was not found, or cannot be executed"),
        (Command("true", cwd=Path("/no/such/folder")), "directory does not exist"),
    ],
)
async def test_what_cannot_be_started_says_why(command: Command, reason: str):
    with pytest.raises(UpstreamUnavailable, match=reason):
        await Child.start(command, os.environ)


async def test_a_command_may_be_relative_to_its_directory(tmp_path: Path):
    program = tmp_path / "bin" / "say"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\npwd\nexit 7\n")
    program.chmod(0o755)
    child = await Child.start(Command("./bin/say", cwd=tmp_path), os.environ)
    assert (await child.stdout.read()).decode().strip() == str(tmp_path)
    assert await child.wait() == 7
    await child.stop()


async def test_a_signal_is_an_exit_code_as_in_a_shell():
    child = await Child.start(Command("sh", ("-c", "kill -9 $$")), os.environ)
    assert await child.wait() == 137
    await child.stop()


def test_an_environment_is_what_any_program_needs_and_its_own():
    ours = {
        "PATH": "/bin",
        "HOME": "/root",
        "LC_TIME": "C",
        "API_KEYS": "k",
        "PYTHONPATH": "/x",
        "NODE_OPTIONS": "-r x",
    }
    assert environment_of(ours, {"HOME": "/srv"}) == {"PATH": "/bin", "HOME": "/srv", "LC_TIME": "C"}
