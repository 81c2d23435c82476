"""The stream is the plain answer, in pieces."""

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
    Text,
    ToolCall,
    UsageReport,
)
from offline_planner import MODEL, plan, stream


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


def request(question: str, tools=(), **fields) -> Request:
    message = Message(role="user", content=(Text(text=question),))
    return Request(model="offline", messages=(message,), tools=tuple(item.tool for item in tools), **fields)


def test_text_comes_by_words_and_adds_up_to_the_plain_answer() -> None:
    asked = request("hola")
    events, whole = list(stream(asked)), plan(asked)
    assert aggregate(events) == whole.content
    deltas = [event.text for event in events if isinstance(event, Delta)]
    assert len(deltas) > 20
    assert all(len(text.split()) == 1 for text in deltas)


def test_calls_come_as_blocks_with_their_index_among_calls(built_in) -> None:
    asked = request("suma 3 y 4 y cuenta las palabras de 'a b c'", built_in)
    events, whole = list(stream(asked)), plan(asked)
    assert aggregate(events) == whole.content
    assert [event.tool_index for event in events if isinstance(event, BlockStart)] == [0, 1]


def test_the_end_is_a_finish_and_then_the_usage(built_in) -> None:
    for question, reason in (("suma 1 y 2", "tool_calls"), ("hola", "stop")):
        asked = request(question, built_in)
        *_, finish, report = stream(asked)
        assert finish == Finish(reason=reason)
        assert report == UsageReport(usage=plan(asked).usage, model=MODEL)


def test_a_refusal_is_streamed_as_one() -> None:
    schema = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
    asked = request("hola", response_format=ResponseFormat(type="json_schema", schema=schema))
    events = list(stream(asked))
    assert [event.kind for event in events if isinstance(event, BlockStart)] == ["refusal"]
    assert aggregate(events) == plan(asked).content


def test_an_answer_cut_to_nothing_is_an_empty_stream_that_ends() -> None:
    events = list(stream(request("hola", max_tokens=0)))
    assert [type(event) for event in events] == [Finish, UsageReport]
