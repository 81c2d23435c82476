"""Fixtures: servers to connect to, and a manager that runs them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp_toolbox.registry.prompts import Prompts
from mcp_toolbox.registry.resources import Resources
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.upstream.manager import UpstreamManager
from mcp_toolbox.upstream.pins import Pins

PLAIN = Path(__file__).parent / "servers" / "plain.py"

Condition = Callable[[], Any]


def plain_server(entry: dict[str, Any] | None = None, /, **options: Any) -> dict[str, Any]:
    """The entry of a server that is told to behave as `options` say; `entry` has more of its fields."""
    return {"command": sys.executable, "args": ["-I", "-S", str(PLAIN), json.dumps(options)], **(entry or {})}


async def until(condition: Condition, seconds: float = 15.0) -> Any:
    """The first true value of `condition`."""
    async with asyncio.timeout(seconds):
        while not (value := condition()):
            await asyncio.sleep(0.02)
    return value


@pytest.fixture
def eventually():
    return until


@pytest.fixture
def plain():
    return plain_server


class Running:
    """A manager that runs, its registry and its file."""

    def __init__(self, upstreams: UpstreamManager, registry: ToolRegistry, file: Path) -> None:
        self.upstreams, self.registry, self.file = upstreams, registry, file
        self.resources, self.prompts = Resources(), Prompts()

    def write(self, servers: dict[str, Any]) -> None:
        self.file.write_text(json.dumps({"mcpServers": servers}), "utf-8")

    def server(self, name: str) -> dict[str, Any]:
        return self.upstreams.to_health()[name]

    def status(self, name: str) -> str | None:
        return self.upstreams.to_health().get(name, {}).get("status")

    def names(self) -> list[str]:
        return [tool.name for tool in self.registry]

    async def connected(self, *names: str, seconds: float = 15.0) -> None:
        await until(lambda: all(self.status(name) == "connected" for name in names), seconds)

    async def text(self, tool: str, **arguments: Any) -> str:
        result = await self.registry.call(tool, arguments)
        assert not result.is_error, result.text
        return result.text

    async def pids(self, server: str) -> dict[str, int]:
        return json.loads(await self.text(f"{server}__pids"))


@pytest.fixture
def upstreams_of(tmp_path: Path):
    """A context manager: a manager of these servers, `Running`."""

    @asynccontextmanager
    async def opened(
        servers: dict[str, Any], environ: dict[str, str] | None = None, pins: Pins | None = None
    ) -> AsyncIterator[Running]:
        file = tmp_path / "servers.json"
        file.write_text(json.dumps({"mcpServers": servers}), "utf-8")
        upstreams = UpstreamManager(file, {**os.environ, **(environ or {})}, pins=pins, poll_seconds=0.05)
        registry = ToolRegistry()
        running = Running(upstreams, registry, file)
        async with upstreams.running(registry, running.resources, running.prompts):
            yield running

    return opened


def is_alive(process_id: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def alive():
    return is_alive
