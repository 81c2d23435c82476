"""The agent: one question in, events while it works, one result out."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent_core.events import Emit
from agent_core.steps import Step
from agent_core.usage import Usage


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the agent.

    `thread_id` is the conversation, `user` its owner: two users with the same thread id have two conversations.
    `model` is the caller's explicit choice; without it the prompt may choose, else the default answers.
    """

    input: str
    thread_id: str
    run_id: str
    user: str = "anonymous"
    language: str = "es"
    request_id: str = ""
    model: str | None = None
    traceparent: str | None = None


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `POST /process` answers. `cost_usd` is None when any part is unknown."""

    result: str
    steps: list[Step]
    model: str
    provider: str
    usage: Usage
    cost_usd: Decimal | None
    latency_ms: float
    thread_id: str
    run_id: str
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model as the gateway lists it."""

    name: str
    provider: str
    description: str = ""
    available: bool = True


class ToolInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as the toolbox lists it."""

    name: str
    description: str = ""


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent sees of its dependencies, for `/health`."""

    mcp_connected: bool
    mcp_tools: int
    llm_gateway_connected: bool
    bedrock_available: bool
    models: list[str]


class Agent:
    """Runs questions through the graph; made once per process, by `agent_core.compose.open_agent`."""

    async def run(self, request: RunRequest, emit: Emit) -> RunResult:
        """Answer one question, telling `emit` (synchronous, must not block or raise) what happens.

        Emits `start`, `step`, `token`, `tool_call`, `tool_result`, `response`, `complete`, all with `seq` 0;
        `queued` first when another run of the same thread is still going. Does not emit `cancelled` or `error`.
        Raises `service_kit.errors.ApiError` with the status, code and message that a client may see: 404
        `model_not_found`, 413 `input_too_large`, 422 `empty_input`, 429, 503 `llm_gateway_unavailable` or
        `toolbox_unavailable` (with `retry_after`), 504 `deadline_exceeded` and others that the gateway answers.
        Cancelling the task that awaits it stops the model and the tools at once and leaves the thread usable.
        """
        raise NotImplementedError

    async def models(self) -> list[ModelInfo]:
        """The gateway's models, at most a few seconds old; empty when the gateway has never answered. Never raises."""
        raise NotImplementedError

    async def tools(self) -> list[ToolInfo]:
        """The toolbox's tools as known now; empty while it is away. Never raises."""
        raise NotImplementedError

    async def status(self) -> AgentStatus:
        """How the gateway and the toolbox are now; answers within two seconds and never raises."""
        raise NotImplementedError
