"""The HTTP agent's routes."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Literal

import msgspec
from agent_core.agent import Agent, RunRequest
from agent_core.events import Emit, Event
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from service_kit.background import BackgroundLoops, LoopStatus
from service_kit.ids import traceparent
from starlette.responses import Response

from agent_http.schemas import ERRORS, describe
from agent_http.sse import EventStream, until_disconnected

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CLIENT_CLOSED_REQUEST = 499

AgentOf = Callable[[], Agent]
ThreadId = Annotated[str, Field(min_length=1, max_length=128, description="The conversation to go on with.")]


class Question(BaseModel):
    """The body of `POST /process` and `POST /process/stream`; unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"input": "suma 10 y 5"},
                {"input": "usa gemini, multiplica 7 por 8"},
                {"input": "Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas"},
                {"input": "add 2 and 3", "model": "gpt-4o", "thread_id": "notes"},
            ]
        },
    )

    input: str = Field(description="The question, in Spanish or English.")
    model: str | None = Field(
        None, max_length=256, description="Which model; else the prompt may say, else the default."
    )
    thread_id: ThreadId | None = None


class Health(BaseModel):
    """The agent and what it depends on, for people."""

    status: Literal["healthy", "degraded"]
    service: Literal["agent-http"] = "agent-http"
    mcp_connected: bool
    mcp_tools: int
    llm_gateway_connected: bool
    bedrock_available: bool
    models: list[str]
    background: list[LoopStatus]
    version: str


def add_routes(app: FastAPI, agent: AgentOf) -> None:
    """Adds the agent's routes to `app`. `agent` returns the agent once the service has started."""
    _add_health(app, agent)
    _add_process(app, agent)
    _add_process_stream(app, agent)


def _add_health(app: FastAPI, agent: AgentOf) -> None:
    @app.get("/health", tags=["health"], summary="The agent and its dependencies", operation_id="get_health")
    async def health() -> Health:
        status = await agent().status()
        loops: BackgroundLoops = app.state.background
        whole = status.mcp_connected and status.llm_gateway_connected and not loops.failing
        return Health(
            status="healthy" if whole else "degraded",
            version=version("agent-http"),
            background=loops.to_health(),
            **msgspec.structs.asdict(status),
        )


def _add_process(app: FastAPI, agent: AgentOf) -> None:
    @app.post(
        "/process",
        tags=["agent"],
        summary="Ask the agent",
        operation_id="process",
        responses={**ERRORS, 200: describe("RunResult")},
    )
    async def process(question: Question, request: Request) -> Response:
        asked = run_request(question, request)
        run = asyncio.create_task(agent().run(asked, _ignore))
        try:
            if not await until_disconnected(request.receive, run):
                return Response(status_code=_CLIENT_CLOSED_REQUEST)
        finally:
            if not run.done():
                run.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await run
        return Response(_ENCODER.encode(run.result()), media_type="application/json")


def _add_process_stream(app: FastAPI, agent: AgentOf) -> None:
    @app.post(
        "/process/stream",
        tags=["agent"],
        summary="Ask the agent, and follow its run as server-sent events",
        operation_id="process_stream",
        responses={**ERRORS, 200: describe("Event", "text/event-stream")},
    )
    async def process_stream(question: Question, request: Request) -> Response:
        asked = run_request(question, request)
        agent().check(asked)

        async def start(emit: Emit) -> object:
            return await agent().run(asked, emit)

        return EventStream(start, run_id=asked.run_id, request_id=asked.request_id)


def run_request(question: Question, request: Request) -> RunRequest:
    """Returns the question as the agent takes it, with the principal and language that the edge has found."""
    state = request.state
    return RunRequest(
        input=question.input,
        model=(question.model or "").strip() or None,
        thread_id=question.thread_id or uuid.uuid4().hex,
        run_id=f"run_{uuid.uuid4().hex}",
        user=state.principal.id,
        language=state.language,
        request_id=state.request_id,
        traceparent=traceparent(request.headers.get("traceparent")),
    )


def _ignore(event: Event) -> None:
    """Drops an event: `POST /process` answers once, at the end."""
