"""A public fake: an agent that follows a script, for tests of whatever talks to the WebSocket agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from agent_core.agent import AgentStatus, ModelInfo, RunRequest, ToolInfo
from agent_core.errors import InputRefused
from agent_core.events import Complete, Emit, Response, Start, StepBegun, Token
from agent_core.usage import Usage

Script = Callable[[RunRequest, Emit], Awaitable[None]]


async def echo(request: RunRequest, emit: Emit) -> None:
    """Answers with the question itself, word by word."""
    begin(request, emit)
    for word in request.input.split():
        emit(Token(run_id=request.run_id, content=f"{word} "))
        await asyncio.sleep(0)
    finish(request, emit, request.input)


def begin(request: RunRequest, emit: Emit) -> None:
    """The events until the model is asked."""
    emit(Start(run_id=request.run_id, message="started"))
    emit(StepBegun(run_id=request.run_id, node="process_input", message="reading"))
    emit(StepBegun(run_id=request.run_id, node="llm", message="asking", model=request.model or "scripted"))


def finish(request: RunRequest, emit: Emit, content: str) -> None:
    """The events from the answer on."""
    emit(
        Response(
            run_id=request.run_id,
            content=content,
            html=f"<p>{content}</p>",
            model=request.model or "scripted",
            provider="scripted",
            usage=Usage(),
            cost_usd=Decimal(0),
            latency_ms=1.0,
            ttft_ms=1.0,
        )
    )
    emit(Complete(run_id=request.run_id, steps=3))


class ScriptedAgent:
    """Runs every question through `script`, and remembers the `requests` and the run ids that were `cancelled`."""

    def __init__(
        self,
        script: Script = echo,
        *,
        models: list[ModelInfo] | None = None,
        tools: list[ToolInfo] | None = None,
        max_input_chars: int = 1_000_000,
    ) -> None:
        self._script = script
        self._models = models or [ModelInfo(name="scripted", provider="scripted")]
        self._tools = tools or [ToolInfo(name="add", description="Adds.")]
        self._max_input_chars = max_input_chars
        self.requests: list[RunRequest] = []
        self.cancelled: list[str] = []

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[ScriptedAgent]:
        """The agent as `create_app` wants it."""
        yield self

    def check(self, request: RunRequest) -> None:
        if not request.input.strip():
            raise InputRefused(422, "empty_input", "empty")
        if len(request.input) > self._max_input_chars:
            raise InputRefused(413, "input_too_large", "too large")

    async def run(self, request: RunRequest, emit: Emit) -> Any:
        self.requests.append(request)
        try:
            await self._script(request, emit)
        except asyncio.CancelledError:
            self.cancelled.append(request.run_id)
            raise

    async def models(self) -> list[ModelInfo]:
        return self._models

    async def tools(self) -> list[ToolInfo]:
        return self._tools

    async def status(self) -> AgentStatus:
        return AgentStatus(
            mcp_connected=True,
            mcp_tools=len(self._tools),
            llm_gateway_connected=True,
            bedrock_available=False,
            models=[model.name for model in self._models],
        )
