"""The planner's stream is its plain answer, in pieces."""

from __future__ import annotations

from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    Message,
    Part,
    Refusal,
    Request,
    ResponseFormat,
    Result,
    Text,
    Tool,
    ToolCall,
    UsageReport,
)
from llm_gateway.providers.embedded import EmbeddedProvider
from offline_planner import MODEL

from tests.llm_gateway import values

PLANNER = EmbeddedProvider()
MODEL_OF = values.model("offline", "offline")


TOOLS = (
    Tool(
        name="add",
        description="Add two numbers and return their exact sum: add(5, 3) is 8, add(0.1, 0.2) is 0.3.",
        parameters={
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    ),
    Tool(
        name="count_words",
        description="Count the words of a text. A word is a run of characters between white space.",
        parameters={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    ),
)


def aggregate(events: list[Event]) -> tuple[Part, ...]:
    """The parts that a stream's blocks add up to, checking that each is opened and closed once."""
    texts: dict[int, list[str]] = {}
    starts: dict[int, BlockStart] = {}
    stopped: list[int] = []
    for event in events:
        if isinstance(event, BlockStart):
            assert event.index not in starts
            starts[event.index] = event
            texts[event.index] = []
        elif isinstance(event, Delta):
            assert event.index not in stopped
            texts[event.index].append(event.text)
        elif isinstance(event, BlockStop):
            stopped.append(event.index)
    assert stopped == list(starts)
    kinds = {"text": Text, "refusal": Refusal}
    parts: list[Part] = []
    for index, start in starts.items():
        text = "".join(texts[index])
        if start.kind == "tool_call":
            parts.append(ToolCall(id=start.id or "", name=start.name or "", arguments=text))
        else:
            parts.append(kinds[start.kind](text=text))
    return tuple(parts)


async def streamed(asked: Request) -> list[Event]:
    return [event async for events in PLANNER.stream(asked, MODEL_OF) for event in events]


async def plan(asked: Request) -> Result:
    return await PLANNER.complete(asked, MODEL_OF)


def request(question: str, tools=(), **fields) -> Request:
    message = Message(role="user", content=(Text(text=question),))
    return Request(model="offline", messages=(message,), tools=tuple(tools), **fields)


async def test_text_comes_by_words_and_adds_up_to_the_plain_answer() -> None:
    asked = request("hola")
    events, whole = await streamed(asked), await plan(asked)
    assert aggregate(events) == whole.content
    deltas = [event.text for event in events if isinstance(event, Delta)]
    assert len(deltas) > 20
    assert all(len(text.split()) == 1 for text in deltas)


async def test_calls_come_as_blocks_with_their_index_among_calls() -> None:
    asked = request("suma 3 y 4 y cuenta las palabras de 'a b c'", TOOLS)
    events, whole = await streamed(asked), await plan(asked)
    assert aggregate(events) == whole.content
    assert [event.tool_index for event in events if isinstance(event, BlockStart)] == [0, 1]


async def test_the_end_is_a_finish_and_then_the_usage() -> None:
    for question, reason in (("suma 1 y 2", "tool_calls"), ("hola", "stop")):
        asked = request(question, TOOLS)
        *_, finish, report = await streamed(asked)
        assert finish == Finish(reason=reason)
        assert report == UsageReport(usage=(await plan(asked)).usage, model=MODEL)


async def test_a_refusal_is_streamed_as_one() -> None:
    schema = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
    asked = request("hola", response_format=ResponseFormat(type="json_schema", schema=schema))
    events = await streamed(asked)
    assert [event.kind for event in events if isinstance(event, BlockStart)] == ["refusal"]
    assert aggregate(events) == (await plan(asked)).content


async def test_an_answer_cut_to_nothing_is_an_empty_stream_that_ends() -> None:
    events = await streamed(request("hola", max_tokens=0))
    assert [type(event) for event in events] == [Finish, UsageReport]
