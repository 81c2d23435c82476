"""The graph's nodes: each takes the state of a run and returns what it adds to it."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal

import msgspec
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langgraph.runtime import Runtime

from agent_core.clients.chat_model import GatewayChatModel, complete_message
from agent_core.clients.gateway_stream import ModelAnswer, ModelToolCall
from agent_core.clients.models import Models
from agent_core.clients.toolbox import Toolbox
from agent_core.clients.tools import ToolAnswer
from agent_core.clock import timestamp
from agent_core.errors import GatewayRefused, StepLimitExceeded
from agent_core.events import StepBegun, Token, ToolCall, ToolResult
from agent_core.memory import MemoryRetriever
from agent_core.model_directive import choose_model
from agent_core.prompts import system_prompt
from agent_core.state import RunContext, RunState
from agent_core.steps import (
    FinalAnswerStep,
    LlmStep,
    ProcessInputStep,
    RetrieveContextStep,
    ToolExecutionStep,
    ToolOutcome,
)
from agent_core.texts import texts
from agent_core.tools.selector import ToolSelector

Update = dict[str, Any]


class Nodes:
    """The graph's nodes, over the chat model, what is known of the models, and the tools."""

    def __init__(
        self,
        model: GatewayChatModel,
        models: Models,
        toolbox: Toolbox,
        selector: ToolSelector,
        memory: MemoryRetriever,
        max_steps: int,
    ) -> None:
        self._model = model
        self._models = models
        self._toolbox = toolbox
        self._selector = selector
        self._memory = memory
        self._max_steps = max_steps

    async def process_input(self, state: RunState, runtime: Runtime[RunContext]) -> Update:
        """Chooses the model, and removes the directive that named it from the question."""
        run = runtime.context
        began = timestamp()
        said = texts(run.request.language)
        run.emit(StepBegun(run_id=run.request.run_id, node="process_input", message=said.reading_input))
        choice = choose_model(run.request.model, state["input"], run.default_model)
        step = ProcessInputStep(timestamp=began, input=state["input"], model_selected=choice.model)
        return {"model": choice.model, "messages": [HumanMessage(content=choice.text)], "steps": [step]}

    async def after_input(self, state: RunState) -> Literal["retrieve_context", "llm"]:
        """Returns the next node: the memory where there is one, else the model."""
        return "retrieve_context" if self._memory.available else "llm"

    async def retrieve_context(self, state: RunState, runtime: Runtime[RunContext]) -> Update:
        """Retrieves passages about the question from the user's memory."""
        began = timestamp()
        question = str(state["messages"][-1].text)
        passages = await self._memory.retrieve(question, runtime.context)
        steps = [RetrieveContextStep(timestamp=began, passages=passages)] if passages else []
        return {"passages": passages, "steps": steps}

    async def llm(self, state: RunState, runtime: Runtime[RunContext]) -> Update:
        """Calls the model and emits its text as it comes."""
        run = runtime.context
        said = texts(run.request.language)
        if len(state["answers"]) >= self._max_steps:
            raise StepLimitExceeded(said.step_limit.format(steps=self._max_steps))
        began = timestamp()
        message = said.asking_model.format(model=state["model"])
        run.emit(StepBegun(run_id=run.request.run_id, node="llm", message=message, model=state["model"]))
        reply, answer = await self._ask_model(state, run)
        if not answer.tool_calls and not reply.text.strip():
            raise GatewayRefused(502, "empty_answer", said.empty_answer)
        step = LlmStep(
            timestamp=began,
            model=state["model"],
            has_tool_calls=bool(answer.tool_calls),
            answered_by=answer.model if answer.model != state["model"] else msgspec.UNSET,
        )
        return {"messages": [reply], "answers": [answer], "steps": [step]}

    async def _ask_model(self, state: RunState, run: RunContext) -> tuple[AIMessage, ModelAnswer]:
        request = run.request
        # A model without tool calling would have the whole request refused for the tools in it.
        takes_tools = await self._models.takes_tools(state["model"])
        tools = await self._selector.select(state["messages"], run) if takes_tools else ()
        stream = self._model.astream(
            [SystemMessage(content=system_prompt(request.language, state["passages"])), *state["messages"]],
            model=state["model"],
            tools=[tool.as_function() for tool in tools],
            caller=run.caller,
            deadline=run.deadline,
        )
        last = AIMessageChunk(content="")
        run.partial_text = []
        async for chunk in stream:
            if chunk.content:
                _emit_token(str(chunk.content), run)
            if "answer" in chunk.response_metadata:
                last = chunk
        text, run.partial_text = "".join(run.partial_text), []
        answer = last.response_metadata.pop("answer")
        return complete_message(text, last), answer

    async def tool_execution(self, state: RunState, runtime: Runtime[RunContext]) -> Update:
        """Runs the tool calls of the model's answer concurrently; results keep the order of the calls."""
        run = runtime.context
        began = timestamp()
        calls = state["answers"][-1].tool_calls
        run.finished_calls = {}
        async with _FirstErrorGroup() as group:
            tasks = [group.create_task(self._execute(call, run)) for call in calls]
        outcomes = [task.result() for task in tasks]
        messages = [
            ToolMessage(
                content=outcome.result,
                tool_call_id=call.id,
                name=call.name,
                status="error" if outcome.is_error else "success",
            )
            for call, outcome in zip(calls, outcomes, strict=True)
        ]
        return {"messages": messages, "steps": [ToolExecutionStep(timestamp=began, tools=outcomes)]}

    async def _execute(self, call: ModelToolCall, run: RunContext) -> ToolOutcome:
        run_id = run.request.run_id
        args = _parse_args(call.args)
        run.emit(ToolCall(run_id=run_id, id=call.id, tool=call.name, args=args))
        began = time.perf_counter()
        answer = await self._call_tool(call.name, args, run)
        outcome = ToolOutcome(
            name=call.name,
            args=args,
            result=answer.text,
            duration_ms=round((time.perf_counter() - began) * 1000, 2),
            is_error=answer.is_error,
        )
        run.finished_calls[call.id] = answer.text
        run.emit(
            ToolResult(
                run_id=run_id,
                id=call.id,
                tool=call.name,
                result=outcome.result,
                duration_ms=outcome.duration_ms,
                is_error=outcome.is_error,
            )
        )
        return outcome

    async def _call_tool(self, name: str, args: dict[str, Any] | str, run: RunContext) -> ToolAnswer:
        """Returns the tool's answer; for an impossible call one that says why, so that the model learns of it."""
        said = texts(run.request.language)
        if isinstance(args, str):
            return ToolAnswer(said.bad_arguments.format(args=args[:500]), is_error=True)
        known = [tool.name for tool in await self._toolbox.tools(run.deadline)]
        if name not in known:
            names = ", ".join(self._selector.suggestions(name, known))
            return ToolAnswer(said.unknown_tool.format(name=name[:100], known=names), is_error=True)
        return await self._toolbox.call(name, args, caller=run.caller, deadline=run.deadline)

    async def final_answer(self, state: RunState) -> Update:
        """Adds the final step; the answer is the last message."""
        return {"steps": [FinalAnswerStep(timestamp=timestamp())]}


class _FirstErrorGroup(asyncio.TaskGroup):
    """A task group that raises its first error itself instead of a group of them."""

    async def __aexit__(self, *exit_: Any) -> None:
        try:
            await super().__aexit__(*exit_)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None


def _emit_token(text: str, run: RunContext) -> None:
    if run.first_token_after_ms is None:
        run.first_token_after_ms = run.milliseconds()
    run.partial_text.append(text)
    run.emit(Token(run_id=run.request.run_id, content=text))


def _parse_args(args: str) -> dict[str, Any] | str:
    try:
        return msgspec.json.decode(args or "{}", type=dict[str, Any] | None) or {}
    except msgspec.MsgspecError:
        return args
