"""The real service on a loopback port around a scripted agent, and clients that speak its protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from agent_websocket.app import create_app
from agent_websocket.page import chat_page
from agent_websocket.settings import WebSocketAgentSettings
from agent_websocket.testing import ScriptedAgent
from service_kit.service import Service
from service_kit.settings import load
from service_kit.testing import running
from websockets.asyncio.client import ClientConnection, connect

PAGE_TOKEN = "token-of-the-page"

Frame = dict[str, Any]


class Client:
    """One WebSocket and what came over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.greeting: Frame = {}

    async def send(self, frame: Frame | str | bytes) -> None:
        await self.connection.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def say(self, content: str, **fields: Any) -> None:
        await self.send({"type": "message", "content": content, **fields})

    async def resume(self, after: int, **fields: Any) -> None:
        await self.send({"type": "resume", "after": after, **fields})

    async def next(self, seconds: float = 5.0) -> Frame:
        async with asyncio.timeout(seconds):
            return json.loads(await self.connection.recv())

    async def until(self, *types: str, seconds: float = 10.0) -> list[Frame]:
        """Everything up to and including the first frame of one of these types."""
        frames = [await self.next(seconds)]
        while frames[-1]["type"] not in types:
            frames.append(await self.next(seconds))
        return frames

    async def silence(self, seconds: float = 0.2) -> None:
        """Nothing comes for a while; raises AssertionError with what came."""
        try:
            frame = await self.next(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"unexpected {frame}")

    async def closed(self, seconds: float = 5.0) -> int | None:
        """The code with which the other side closes."""
        async with asyncio.timeout(seconds):
            await self.connection.wait_closed()
        return self.connection.close_code


@dataclass
class Stage:
    """A service that runs, and the agent in it."""

    url: str
    agent: ScriptedAgent
    app: Service
    page_token: str = PAGE_TOKEN

    def socket_url(self, id_: str | None = None, prefix: str = "") -> str:
        return f"{self.url.replace('http', 'ws')}{prefix}/ws" + (f"/{id_}" if id_ else "")

    @asynccontextmanager
    async def client(self, id_: str | None = None, *, prefix: str = "", **options: Any) -> AsyncIterator[Client]:
        """A client that has been greeted."""
        options = {"proxy": None, "compression": None, "close_timeout": 1, **options}
        async with connect(self.socket_url(id_, prefix), **options) as connection:
            client = Client(connection)
            client.greeting = await client.next()
            yield client


StageOf = Callable[..., AbstractAsyncContextManager[Stage]]


@asynccontextmanager
async def staged(agent: ScriptedAgent | None = None, *, server: dict[str, Any] | None = None, **variables: str):
    """The service with the agent given and the environment given."""
    agent = agent or ScriptedAgent()
    settings = load(WebSocketAgentSettings, variables)
    app = create_app(settings, agent.opened, chat_page(), PAGE_TOKEN)
    options = {"ws_max_size": settings.largest_frame_bytes, "ws_per_message_deflate": False, **(server or {})}
    async with running(app, **options) as url:
        yield Stage(url, agent, app)


@pytest.fixture
def stage_of() -> StageOf:
    """Makes a stage."""
    return staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A stage whose agent echoes."""
    async with staged() as made:
        yield made
