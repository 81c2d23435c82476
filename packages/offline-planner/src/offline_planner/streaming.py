"""The planner's answer as a stream of events, word by word."""

from __future__ import annotations

from collections.abc import Iterator

from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    Refusal,
    Request,
    Result,
    Text,
    ToolCall,
    Usage,
    UsageReport,
)

from . import tokens
from .planner import plan


def stream(request: Request) -> Iterator[Event]:
    """The events of the answer that `plan` gives: each block by words, then the finish, then the usage."""
    return events(plan(request))


def events(result: Result) -> Iterator[Event]:
    """A whole answer as events whose aggregate it is."""
    calls = 0
    for index, part in enumerate(result.content):
        if isinstance(part, ToolCall):
            yield BlockStart(index=index, kind="tool_call", tool_index=calls, id=part.id, name=part.name)
            yield from (Delta(index=index, text=piece) for piece in tokens.words(part.arguments))
            calls += 1
        elif isinstance(part, (Text, Refusal)):
            yield BlockStart(index=index, kind="text" if isinstance(part, Text) else "refusal")
            yield from (Delta(index=index, text=piece) for piece in tokens.words(part.text))
        else:
            continue
        yield BlockStop(index=index)
    yield Finish(reason=result.finish_reason)
    yield UsageReport(usage=result.usage or Usage(), model=result.model)
