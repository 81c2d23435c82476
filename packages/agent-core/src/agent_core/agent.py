"""The agent: one question in, events while it works, one result out."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from decimal import Decimal
from typing import Any, cast

import msgspec
from langchain_core.messages import AnyMessage, ToolMessage
from service_kit.telemetry.logs import get_logger

from agent_core.clients.gateway import ListedModel
from agent_core.clients.gateway_stream import ModelAnswer
from agent_core.clients.models import Models
from agent_core.clients.toolbox import Toolbox
from agent_core.deadline import Deadline
from agent_core.errors import DeadlineExceeded, GatewayUnavailable, InputRefused, ToolboxUnavailable
from agent_core.events import Complete, Emit, Queued, Response, Start
from agent_core.graph import Graph, recursion_limit
from agent_core.markdown import Renderer
from agent_core.run_log import RunLog
from agent_core.settings import AgentSettings
from agent_core.state import RunContext, RunRequest, RunState
from agent_core.steps import Step
from agent_core.texts import texts
from agent_core.threads.threads import Thread, Threads, closed_turn
from agent_core.usage import Usage, total_cost

_log = get_logger(__name__)

__all__ = ["Agent", "AgentStatus", "ModelInfo", "RunRequest", "RunResult", "ToolInfo"]


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `POST /process`. `cost_usd` is None when any part is unknown."""

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


ModelInfo = ListedModel


class ToolInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as the toolbox lists it."""

    name: str
    description: str = ""


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the agent's dependencies, for `/health`."""

    mcp_connected: bool
    mcp_tools: int
    llm_gateway_connected: bool
    bedrock_available: bool
    models: list[str]


class Agent:
    """Runs questions through the graph; made once per process, by `agent_core.compose.open_agent`."""

    def __init__(
        self, *, graph: Graph, models: Models, toolbox: Toolbox, threads: Threads, settings: AgentSettings
    ) -> None:
        self._graph = graph
        self._models = models
        self._toolbox = toolbox
        self._threads = threads
        self._settings = settings
        self._renderer = Renderer()

    def check(self, request: RunRequest) -> None:
        """Raises InputRefused for a question that cannot be taken: 422 `empty_input` or `invalid_text`, 413
        `input_too_large`."""
        said = texts(request.language)
        for name in ("input", "thread_id", "model"):
            if not _is_text(getattr(request, name) or ""):
                raise InputRefused(422, "invalid_text", said.invalid_text.format(field=name), param=name)
        if not request.input.strip():
            raise InputRefused(422, "empty_input", said.empty_input, param="input")
        length, limit = len(request.input), self._settings.max_input_chars
        if length > limit:
            text = said.input_too_large.format(length=length, limit=limit)
            raise InputRefused(413, "input_too_large", text, param="input")

    async def run(self, request: RunRequest, emit: Emit) -> RunResult:
        """Answers one question and calls `emit` (synchronous, must not block or raise) with each event.

        Emits `start`, `step`, `token`, `tool_call`, `tool_result`, `response`, `complete`, all with `seq` 0;
        `queued` first when another run of the same thread is still going. Does not emit `cancelled` or `error`.
        Raises `service_kit.errors.ApiError` with the status, code and message that a client may see: 404
        `model_not_found`, 413 `input_too_large`, 422 `empty_input`, 429, 503 `llm_gateway_unavailable` or
        `toolbox_unavailable` (with `retry_after`), 504 `deadline_exceeded` and others that the gateway answers.
        Cancelling the task that awaits it stops the model and the tools at once and leaves the thread usable.
        """
        self.check(request)
        log = RunLog(request)
        try:
            result = await self._run_in_turn(request, emit, log)
        except asyncio.CancelledError:
            log.cancelled()
            raise
        except Exception as error:
            log.failed(error)
            raise
        log.done()
        return result

    async def _run_in_turn(self, request: RunRequest, emit: Emit, log: RunLog) -> RunResult:
        """Waits for the conversation, then runs the question, all within the deadline."""
        said = texts(request.language)
        seconds = self._settings.run_timeout_seconds
        deadline = Deadline.after(seconds)
        position = self._threads.waiting(request.user, request.thread_id)
        if position:
            emit(Queued(run_id=request.run_id, position=position))
        try:
            async with asyncio.timeout_at(deadline.at):
                async with self._threads.turn(request.user, request.thread_id, busy=said.thread_busy) as thread:
                    return await self._run(request, emit, thread, deadline, log)
        except (GatewayUnavailable, ToolboxUnavailable) as error:
            _log.warning("a dependency is away", code=error.code, detail=error.message)
            raise type(error)(getattr(said, error.code)) from error
        except TimeoutError as error:
            raise DeadlineExceeded(said.deadline.format(seconds=f"{seconds:g}")) from error

    async def _run(self, request: RunRequest, emit: Emit, thread: Thread, deadline: Deadline, log: RunLog) -> RunResult:
        started = time.perf_counter()
        emit(Start(run_id=request.run_id, message=texts(request.language).started))
        default = await self._models.default(deadline)
        run = RunContext(request=request, emit=emit, default_model=default, deadline=deadline, started=started)
        state = RunState(
            input=request.input, model="", messages=list(thread.messages), passages=[], steps=[], answers=[]
        )
        log.follow(state)
        before = len(state["messages"])
        try:
            await self._run_graph(state, run)
        except asyncio.CancelledError:
            thread.messages = self._close_turn(state["messages"], run)
            raise
        except Exception:
            # What a tool has done is done, and the model must know; otherwise the question may be asked again.
            if run.finished_calls or any(isinstance(item, ToolMessage) for item in state["messages"][before:]):
                thread.messages = self._close_turn(state["messages"], run)
            raise
        thread.messages = state["messages"]
        return self._finish(state, run)

    async def _run_graph(self, state: RunState, run: RunContext) -> None:
        """Runs the graph and adds the update of each node to `state`, so that a stopped run keeps what was done."""
        updates = self._graph.astream(
            state.copy(),
            {"recursion_limit": recursion_limit(self._settings.max_steps)},
            context=run,
            stream_mode="updates",
        )
        async with aclosing(cast(Any, updates)):
            async for update in updates:
                for delta in cast(dict[str, dict[str, Any]], update).values():
                    state["model"] = delta.get("model", state["model"])
                    for key in ("messages", "steps", "answers"):
                        state[key].extend(delta.get(key, ()))

    def _close_turn(self, messages: list[AnyMessage], run: RunContext) -> list[AnyMessage]:
        said = texts(run.request.language)
        ending = " ".join(filter(None, ["".join(run.partial_text).strip(), said.interrupted]))
        return closed_turn(messages, run.finished_calls, said.tool_interrupted, ending)

    def _finish(self, state: RunState, run: RunContext) -> RunResult:
        request = run.request
        answer: ModelAnswer = state["answers"][-1]
        usage = sum((item.usage for item in state["answers"]), Usage())
        cost = total_cost([item.cost_usd for item in state["answers"]])
        content = str(state["messages"][-1].text)
        fallback = answer.fallback_from if answer.fallback_from is not None else msgspec.UNSET
        response = Response(
            run_id=request.run_id,
            content=content,
            html=self._renderer.html(content),
            model=answer.model,
            provider=answer.provider,
            usage=usage,
            cost_usd=cost,
            latency_ms=run.milliseconds(),
            ttft_ms=run.first_token_after_ms,
            fallback_from=fallback,
        )
        run.emit(response)
        run.emit(Complete(run_id=request.run_id, steps=len(state["steps"])))
        return RunResult(
            result=content,
            steps=state["steps"],
            model=answer.model,
            provider=answer.provider,
            usage=usage,
            cost_usd=cost,
            latency_ms=response.latency_ms,
            thread_id=request.thread_id,
            run_id=request.run_id,
            fallback_from=fallback,
        )

    async def models(self) -> list[ModelInfo]:
        """The gateway's models, at most a few seconds old; empty when the gateway is away. Never raises."""
        return (await self._models.listing()).models

    async def tools(self) -> list[ToolInfo]:
        """The toolbox's tools as known now; empty while it is away. Never raises."""
        self._toolbox.refresh_if_stale()
        return [ToolInfo(name=tool.name, description=tool.description) for tool in self._toolbox.known_tools]

    async def status(self) -> AgentStatus:
        """How the gateway and the toolbox are now; answers within two seconds or so and never raises."""
        connected, listing = await asyncio.gather(self._toolbox.check(), self._models.listing(fresh=True))
        return AgentStatus(
            mcp_connected=connected,
            mcp_tools=len(self._toolbox.known_tools),
            llm_gateway_connected=listing.connected,
            bedrock_available=any(model.provider == "aws" and model.available for model in listing.models),
            models=[model.name for model in listing.models],
        )


def _is_text(value: str) -> bool:
    """Returns whether `value` can be encoded: JSON may contain half of a surrogate pair, which is no character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
