"""The HTTP agent as a real server, between a scripted gateway and a fake toolbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec
import pytest
from agent_core.testing import Answer, FakeToolbox, ScriptedGateway, Wire, call
from agent_http.app import from_environment
from service_kit.testing import running

SUM = Answer(calls=(call("add", {"a": 10, "b": 5}),))


@dataclass
class Service:
    """The running service, what it depends on, and a client for it."""

    url: str
    client: httpx2.AsyncClient
    gateway: ScriptedGateway
    toolbox: FakeToolbox
    gateway_wire: Wire
    toolbox_wire: Wire

    async def post(self, path: str, json: Any, **options: Any) -> tuple[int, Any]:
        """The status and the JSON of the answer."""
        async with self.client.stream("POST", self.url + path, json=json, **options) as response:
            return response.status_code, msgspec.json.decode(await response.aread())

    async def ask(self, text: str, **fields: Any) -> tuple[int, Any]:
        return await self.post("/process", {"input": text, **fields})


ServiceOf = Callable[..., AbstractAsyncContextManager[Service]]


@asynccontextmanager
async def served(**variables: str) -> AsyncIterator[Service]:
    """The service with its environment as given."""
    gateway, toolbox = ScriptedGateway(), FakeToolbox()
    async with (
        gateway.running() as gateway_url,
        toolbox.running() as toolbox_url,
        Wire.to(gateway_url) as gateway_wire,
        Wire.to(toolbox_url) as toolbox_wire,
    ):
        environ = {"LLM_GATEWAY_URL": gateway_wire.url, "MCP_SERVER_URL": toolbox_wire.url, **variables}
        app, _ = from_environment(environ)
        async with running(app) as url, httpx2.AsyncClient(timeout=60) as client:
            yield Service(url, client, gateway, toolbox, gateway_wire, toolbox_wire)


@pytest.fixture
def service_of() -> ServiceOf:
    """Makes a service."""
    return served


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """The service with the default settings."""
    async with served() as made:
        yield made


@pytest.fixture
def sum_then_say() -> tuple[Answer, Answer]:
    """What a model answers to "suma 10 y 5"."""
    return SUM, Answer("El resultado es **15**.")
