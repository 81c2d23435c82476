"""A toolbox whose tools tell what was done to them, over real MCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from service_kit.testing import running
from starlette.applications import Starlette


@dataclass
class FakeToolbox:
    """An MCP server with `add`, `multiply`, `slow` (sleeps), `fail` and, if `extra`, one more tool. If `memory`, it has
    `recuperar_contexto` too, which answers what that makes of the question. `slow` may be marked as read-only.

    `calls` are the names of the tools that were called, `running` counts those that run now, `most_running` the most
    at once, `stopped` those that were cancelled.
    """

    extra: str | None = None
    memory: Callable[[str], Awaitable[str]] | None = None
    slow_is_read_only: bool = False
    calls: list[str] = field(default_factory=list)
    running_now: int = 0
    most_running: int = 0
    stopped: int = 0

    @property
    def app(self) -> Starlette:
        """The toolbox as an ASGI application, with MCP at `/mcp`; made anew each time, as a restart would."""
        server = MCPServer("fake-toolbox")
        server.add_tool(self._add, name="add", description="Add two numbers.")
        server.add_tool(self._multiply, name="multiply", description="Multiply two numbers.")
        marks = ToolAnnotations(read_only_hint=True) if self.slow_is_read_only else None
        server.add_tool(self._slow, name="slow", description="Wait for some seconds.", annotations=marks)
        server.add_tool(self._fail, name="fail", description="Fail.")
        if self.memory:
            server.add_tool(self._remember, name="recuperar_contexto", description="Search the memory.")
        if self.extra:
            server.add_tool(self._add, name=self.extra, description="One more.")
        return server.streamable_http_app()

    @asynccontextmanager
    async def running(self, **config: Any) -> AsyncIterator[str]:
        """The toolbox on an ephemeral loopback port; gives its base URL."""
        async with running(self.app, **config) as url:
            yield url

    async def _remember(self, pregunta: str, k: int) -> str:
        assert self.memory is not None
        self.calls.append("recuperar_contexto")
        return await self.memory(pregunta)

    async def _add(self, a: float, b: float) -> str:
        self.calls.append("add")
        return f"{a + b:g}"

    async def _multiply(self, a: float, b: float) -> str:
        self.calls.append("multiply")
        return f"{a * b:g}"

    async def _slow(self, seconds: float) -> str:
        self.calls.append("slow")
        self.running_now += 1
        self.most_running = max(self.most_running, self.running_now)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        finally:
            self.running_now -= 1
        return f"slept {seconds:g}"

    async def _fail(self) -> str:
        self.calls.append("fail")
        raise ValueError("as it was told to")
