"""Conversations that make sense, and answers that a model may give: what every provider must be able to take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st
from llm_gateway.canonical import (
    Choice,
    FinishReason,
    Image,
    Message,
    Reasoning,
    Request,
    ResponseFormat,
    Result,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
)

from tests.llm_gateway import values

ids = st.from_regex(r"[a-zA-Z0-9_-]{1,40}", fullmatch=True)
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(str.strip)
pictures = st.builds(
    Image, data=st.just("iVBORw0KGgo="), media_type=st.sampled_from(["image/png", "image/jpeg", "image/webp"])
)
texts = st.builds(Text, text=words, cache=st.sampled_from([None, None, "5m", "1h"]))

_types = st.sampled_from([{"type": "string"}, {"type": "number"}, {"type": "array", "items": {"type": "integer"}}])


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    """A JSON Schema of an object, of the kind that tools have."""
    properties = draw(st.dictionaries(values.names, _types, max_size=3))
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if draw(st.booleans()):
        schema["required"] = sorted(properties)
    if draw(st.booleans()):
        schema["additionalProperties"] = False
    return schema


tools = st.builds(
    Tool, name=values.names, description=words, parameters=schemas(), strict=st.none() | st.booleans(),
    cache=st.sampled_from([None, None, "5m", "1h"]),
)  # fmt: skip
formats = st.just(ResponseFormat(type="json_object")) | st.builds(
    ResponseFormat, type=st.just("json_schema"), name=values.names, schema=schemas(), strict=st.none() | st.booleans()
)


@st.composite
def _exchange(draw: st.DrawFn, offered: list[Tool], number: int, *, calling: bool) -> tuple[Message, ...]:
    """What follows a user's turn: an answer and the next question, or calls and their results."""
    if not calling and (not offered or draw(st.booleans())):
        answer = Message(role="assistant", content=(Text(text=draw(words)),))
        return (answer, draw(user_turns))
    said = (Text(text=draw(words)),) if draw(st.booleans()) else ()
    calls = tuple(
        ToolCall(id=f"call_{number}_{index}", name=draw(st.sampled_from(offered)).name, arguments=draw(arguments))
        for index in range(draw(st.integers(2 if calling else 1, 3)))
    )
    results = tuple(
        Message(role="tool", tool_call_id=call.id, content=(draw(texts),), is_error=draw(st.booleans()))
        for call in calls
    )
    return (Message(role="assistant", content=(*said, *calls)), *results)


arguments = st.dictionaries(values.names, values.json_values, max_size=3).map(
    lambda value: msgspec.json.encode(value).decode()
)
user_turns = st.lists(texts | pictures, min_size=1, max_size=3).map(
    lambda parts: Message(role="user", content=(Text(text="Y bien:"), *parts))
)
system_turns = st.builds(Message, role=st.just("system"), content=texts.map(lambda part: (part,)))


@st.composite
def conversations(draw: st.DrawFn, *, tuned: bool = True, calling: bool = False) -> Request:
    """A whole conversation, up to the point where it is the model's turn; `tuned` with any parameters, `calling` with
    several calls at once in it."""
    offered = draw(st.lists(tools, min_size=int(calling), max_size=3, unique_by=lambda tool: tool.name))
    messages = [*draw(st.lists(system_turns, max_size=2)), draw(user_turns)]
    for number in range(draw(st.integers(int(calling), 2))):
        messages += draw(_exchange(offered, number, calling=calling))
    fields = {name: draw(values.FIELDS[name]) for name in (_PARAMETERS if tuned else _HARMLESS)}
    return Request(
        model="m",
        messages=tuple(messages),
        tools=tuple(offered),
        tool_choice=draw(_choices(offered)) if tuned else None,
        parallel_tool_calls=draw(st.none() | st.booleans()) if offered else None,
        stop=tuple(draw(st.lists(words, max_size=2, unique=True))) if tuned else (),
        response_format=draw(st.none() | formats) if tuned and not offered else None,
        **fields,
    )


_PARAMETERS = (
    "temperature", "max_tokens", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "reasoning_effort",
    "reasoning_budget", "user", "stream",
)  # fmt: skip
_HARMLESS = ("max_tokens", "user", "stream")


def _choices(offered: list[Tool]) -> st.SearchStrategy[ToolChoice | None]:
    if not offered:
        return st.none()
    modes = [ToolChoice(mode="auto"), ToolChoice(mode="none"), ToolChoice(mode="required")]
    return st.sampled_from([None, *modes, *(ToolChoice(mode="tool", name=tool.name) for tool in offered)])


# --- answers ---

_REASONS: tuple[FinishReason, ...] = ("stop", "length", "content_filter")


@st.composite
def answers(draw: st.DrawFn) -> Result:
    """One answer, in the order in which every provider gives it: thoughts, text, calls."""
    thoughts = draw(st.lists(st.builds(Reasoning, text=words), max_size=1))
    said = draw(st.lists(st.builds(Text, text=words), max_size=1))
    calls = draw(
        st.lists(
            st.builds(ToolCall, id=ids, name=values.names, arguments=arguments), max_size=3, unique_by=lambda c: c.id
        )
    )
    reason: FinishReason = "tool_calls" if calls else draw(st.sampled_from(_REASONS)) if said else "stop"
    if not said and not calls:
        said = [Text(text=draw(words))]
    return Result(choices=(Choice(content=(*thoughts, *said, *calls), finish_reason=reason),), usage=draw(usages))


usages = st.builds(
    lambda fresh, cached, said, thought: Usage(
        prompt_tokens=fresh + cached, cached_tokens=cached, completion_tokens=said + thought, reasoning_tokens=thought
    ),
    st.integers(1, 10**6), st.integers(0, 10**5), st.integers(0, 10**5), st.integers(0, 10**5),
)  # fmt: skip

EVERYTHING = Result(
    choices=(
        Choice(
            content=(
                Reasoning(text="Uhm… 😀"),
                Text(text="¡Olé! 🎉 日本"),
                ToolCall(id="call_1", name="add", arguments='{"a":"ñ","b":[1,2]}'),
                ToolCall(id="call_2", name="add", arguments="{}"),
            ),
            finish_reason="tool_calls",
        ),
    ),
    usage=Usage(prompt_tokens=11, completion_tokens=7, cached_tokens=3, reasoning_tokens=2),
)
"""A small answer with one of each, and with letters of several bytes."""


def with_arguments(message: Message, arguments: str) -> Message:
    """`message`, whose calls have these arguments."""
    content = tuple(
        msgspec.structs.replace(part, arguments=arguments) if isinstance(part, ToolCall) else part
        for part in message.content
    )
    return msgspec.structs.replace(message, content=content)


def with_ids(request: Request, renamed: Callable[[str], str]) -> Request:
    """`request`, whose calls and their results have these ids."""

    def rename(message: Message) -> Message:
        content = tuple(
            msgspec.structs.replace(part, id=renamed(part.id)) if isinstance(part, ToolCall) else part
            for part in message.content
        )
        id_ = message.tool_call_id
        return msgspec.structs.replace(message, content=content, tool_call_id=renamed(id_) if id_ else None)

    return msgspec.structs.replace(request, messages=tuple(map(rename, request.messages)))


def with_blanks(message: Message, blank: str) -> Message:
    """`message` with blank texts in it; a tool's result is nothing else."""
    nothing = Text(text=blank, cache="5m")
    if message.role == "tool":
        return msgspec.structs.replace(message, content=(nothing,))
    return msgspec.structs.replace(message, content=(nothing, *message.content))


def with_thoughts(request: Request, thought: Reasoning) -> Request:
    """`request`, whose assistant thought this before whatever it said."""
    messages = (
        msgspec.structs.replace(message, content=(thought, *message.content))
        if message.role == "assistant"
        else message
        for message in request.messages
    )
    return msgspec.structs.replace(request, messages=tuple(messages))
