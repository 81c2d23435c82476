"""Fixtures: a web server on loopback that answers with whatever bytes a test wants, and the pack that may reach it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.registry.tool import ToolResult
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load

from tests.peers import listening

Reply = bytes | Callable[[asyncio.StreamWriter], object]


def answer(body: bytes = b"", *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    """A whole answer; its content type is HTML unless a header says otherwise."""
    lines = [f"HTTP/1.1 {status}", *headers, "connection: close"]
    if not any(header.lower().startswith("content-type") for header in headers):
        lines.append("content-type: text/html; charset=utf-8")
    if length:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Web:
    """Answers by path, `heads` that came, and how many of their clients are still there."""

    port: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)
    stalls: set[str] = field(default_factory=set)
    heads: list[str] = field(default_factory=list)
    open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            path = head.split(" ")[1]
            writer.write(self.pages.get(path, answer(b"nothing here", status="404 Not Found")))
            await writer.drain()
            if path in self.stalls:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    web = Web()
    async with listening(web.serve, tls=tls) as port:
        web.port = port
        yield web


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with serving() as running:
        yield running


Fetch = Callable[..., "asyncio.Future[ToolResult]"]


@asynccontextmanager
async def fetching(**environ: str) -> AsyncIterator[Fetch]:
    """The pack's tool with these variables."""
    registry = ToolRegistry()
    settings = load(ToolboxSettings, {"TOOL_PACKS": "fetch", "UI_LANGUAGE": "en", **environ})
    async with opened_packs(settings, registry):
        yield lambda url, **more: registry.call("fetch", {"url": url, **more})  # type: ignore[return-value]


@pytest.fixture
def fetch_from() -> Callable[..., AbstractAsyncContextManager[Fetch]]:
    """A context manager: the tool, allowed to reach that server on loopback."""

    def opened(web: Web, **environ: str) -> AbstractAsyncContextManager[Fetch]:
        allowed = {"FETCH_ALLOWED_NETWORKS": "127.0.0.0/8", "FETCH_PORTS": str(web.port)}
        return fetching(**{**allowed, **environ})

    return opened
