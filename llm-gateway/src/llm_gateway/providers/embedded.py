"""The offline planner as a provider: no network, no key, no cost. Requests and answers are put into its vocabulary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import offline_planner as offline

from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Choice,
    Delta,
    Event,
    Finish,
    Image,
    Message,
    Part,
    Refusal,
    Request,
    Result,
    Text,
    ToolCall,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model

_CARRIES = EVERYTHING - {"n", "logprobs", "top_logprobs"}
"""What says how to sample means nothing to a planner that does not; several answers or their odds it does not have."""

_LONG = 8_192
"""A conversation from this many characters on is planned on a thread: that would hold the loop."""


class EmbeddedProvider:
    """Answers with the deterministic planner; `delay_seconds` spaces a stream's pieces."""

    def __init__(self, delay_seconds: float = 0.0) -> None:
        self._delay = delay_seconds

    def warm(self) -> None:
        """Builds the planner's word tables now, not in the first request."""
        offline.plan(offline.Request(messages=(offline.Message(role="user", content=(offline.Text("hola"),)),)))

    async def complete(self, request: Request, model: Model) -> Result:
        return _result(await _planned(request))

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        for event in _events(await _planned(request)):
            yield [event]
            await asyncio.sleep(self._delay)

    def carries(self, model: Model) -> frozenset[str]:
        return _CARRIES

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return (*request.hints, *request.extra)


async def _planned(request: Request) -> offline.Answer:
    asked = _request(request)
    return await asyncio.to_thread(offline.plan, asked) if _is_long(asked) else offline.plan(asked)


def _is_long(asked: offline.Request) -> bool:
    characters = 0
    for message in asked.messages:
        for part in message.content:
            if isinstance(part, offline.Text):
                characters += len(part.text)
            elif isinstance(part, offline.ToolCall):
                characters += len(part.arguments)
        if characters > _LONG:
            return True
    return False


# --- into the planner's vocabulary ---


def _request(request: Request) -> offline.Request:
    choice, form = request.tool_choice, request.response_format
    return offline.Request(
        messages=tuple(_message(message) for message in request.messages),
        tools=tuple(
            offline.Tool(
                name=tool.name, description=tool.description, parameters=tool.parameters, read_only=tool.read_only
            )
            for tool in request.tools
        ),
        tool_choice=offline.ToolChoice(mode=choice.mode, name=choice.name) if choice else None,
        parallel_tool_calls=request.parallel_tool_calls,
        max_tokens=request.max_tokens,
        stop=request.stop,
        response_format=offline.ResponseFormat(type=form.type, schema=form.schema) if form else None,
    )


def _message(message: Message) -> offline.Message:
    return offline.Message(
        role=message.role,
        content=tuple(found for part in message.content if (found := _part(part)) is not None),
        tool_call_id=message.tool_call_id,
        is_error=message.is_error,
    )


def _part(part: Part) -> offline.Part | None:
    """Returns a part as the planner knows it; None for another model's thoughts, which it does not read."""
    if isinstance(part, Text):
        return offline.Text(part.text)
    if isinstance(part, ToolCall):
        return offline.ToolCall(id=part.id, name=part.name, arguments=part.arguments)
    if isinstance(part, Image):
        return offline.Image()
    return offline.Refusal(part.text) if isinstance(part, Refusal) else None


# --- out of it ---


def _result(answer: offline.Answer) -> Result:
    content = tuple(_said(part) for part in answer.content)
    return Result(
        choices=(Choice(content=content, finish_reason=answer.finish_reason),),
        usage=_usage(answer),
        model=offline.MODEL,
    )


def _said(part: offline.Part) -> Part:
    if isinstance(part, offline.ToolCall):
        return ToolCall(id=part.id, name=part.name, arguments=part.arguments)
    if isinstance(part, offline.Refusal):
        return Refusal(text=part.text)
    return Text(text=part.text if isinstance(part, offline.Text) else "")


def _usage(answer: offline.Answer) -> Usage:
    return Usage(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens)


def _events(answer: offline.Answer) -> Iterator[Event]:
    """Yields the events whose aggregate is the answer: each block by words, then the finish, then the usage."""
    calls = 0
    for index, part in enumerate(answer.content):
        if isinstance(part, offline.ToolCall):
            yield BlockStart(index=index, kind="tool_call", tool_index=calls, id=part.id, name=part.name)
            text, calls = part.arguments, calls + 1
        elif isinstance(part, offline.Refusal):
            yield BlockStart(index=index, kind="refusal")
            text = part.text
        else:
            yield BlockStart(index=index, kind="text")
            text = part.text if isinstance(part, offline.Text) else ""
        yield from (Delta(index=index, text=piece) for piece in offline.pieces(text))
        yield BlockStop(index=index)
    yield Finish(reason=answer.finish_reason)
    yield UsageReport(usage=_usage(answer), model=offline.MODEL)
