"""An agent between a scripted gateway and a fake toolbox, each behind a wire that can be cut."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from agent_core.agent import Agent, RunRequest, RunResult
from agent_core.compose import open_agent
from agent_core.events import Event
from agent_core.settings import AgentSettings
from agent_core.testing import FakeToolbox, ScriptedGateway, Wire
from service_kit.settings import load


@dataclass
class Stage:
    """What a test plays with: the agent, both its dependencies, the wires to them, and the events of its runs."""

    agent: Agent
    gateway: ScriptedGateway
    toolbox: FakeToolbox
    gateway_wire: Wire
    toolbox_wire: Wire
    events: list[Event] = field(default_factory=list)

    def request(self, text: str, **fields: Any) -> RunRequest:
        return RunRequest(**{"input": text, "thread_id": uuid.uuid4().hex, "run_id": "run_1", **fields})

    async def ask(self, text: str, **fields: Any) -> RunResult:
        return await self.agent.run(self.request(text, **fields), self.events.append)

    def told(self) -> list[str]:
        """The types of the events so far, tokens but one left out."""
        types = [event.type for event in self.events]
        return [kind for index, kind in enumerate(types) if kind != "token" or types[index - 1] != "token"]


StageOf = Callable[..., AbstractAsyncContextManager[Stage]]


@asynccontextmanager
async def staged(gateway: ScriptedGateway | None = None, **variables: str) -> AsyncIterator[Stage]:
    """The stage, with the agent's environment as given."""
    gateway, toolbox = gateway or ScriptedGateway(), FakeToolbox()
    async with (
        gateway.running() as gateway_url,
        toolbox.running() as toolbox_url,
        Wire.to(gateway_url) as gateway_wire,
        Wire.to(toolbox_url) as toolbox_wire,
    ):
        environ = {"LLM_GATEWAY_URL": gateway_wire.url, "MCP_SERVER_URL": toolbox_wire.url, **variables}
        async with open_agent(load(AgentSettings, environ)) as agent:
            yield Stage(agent, gateway, toolbox, gateway_wire, toolbox_wire)


@pytest.fixture
def stage_of() -> StageOf:
    """Makes a stage."""
    return staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A stage with the default settings."""
    async with staged() as made:
        yield made
