from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Choice,
    Delta,
    Event,
    Finish,
    FinishReason,
    Part,
    Reasoning,
    Refusal,
    Result,
    Text,
    Tool,
    ToolCall,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.aggregate import Aggregate, events_of
from llm_gateway.providers.emulated_tools.plan import Plan
from llm_gateway.providers.emulated_tools.streaming import Reread, reread

from tests.llm_gateway import values

ADD = Tool(name="add", parameters={"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}})
FREE, HELD = Plan(tools=(ADD,)), Plan(tools=(ADD,), envelope="text")
CALLS = '{"tool_calls":[{"name":"add","arguments":{"a":1}},{"name":"add","arguments":{"a":2}}]}'
USAGE = Usage(prompt_tokens=9, completion_tokens=4)


def counted() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"call_{next(numbers)}"


def said(*content: Part, reason: FinishReason = "stop") -> Result:
    return Result(choices=(Choice(content=content, finish_reason=reason),), usage=USAGE, model="m", id="r")


def called(id_: str, a: int) -> ToolCall:
    return ToolCall(id=id_, name="add", arguments=f'{{"a":{a}}}')


def streamed(result: Result, plan: Plan, size: int) -> list[list[Event]]:
    """`result` as its events come out again, its text in pieces of `size`."""
    reading = Reread(plan, counted())
    batches: list[list[Event]] = []
    for event in events_of(result):
        if isinstance(event, Delta):
            pieces = [event.text[start : start + size] for start in range(0, len(event.text), size)]
            batches += [reading.feed([msgspec.structs.replace(event, text=piece)]) for piece in pieces]
        else:
            batches.append(reading.feed([event]))
    return batches


def aggregate(batches: list[list[Event]]) -> Result:
    whole = Aggregate()
    for batch in batches:
        whole.feed(batch)
    return whole.result()


def test_calls_take_the_place_of_the_text():
    result = reread(said(Text(text=f"So:\n{CALLS}")), FREE, counted())
    assert result == Result(
        choices=(
            Choice(
                content=(Text(text="So:"), called("call_0", 1), called("call_1", 2)), finish_reason="tool_calls"
            ),
        ),
        usage=USAGE, model="m", id="r",
    )  # fmt: skip


def test_blocks_are_numbered_anew_and_closed():
    events = [event for batch in streamed(said(Reasoning(text="hm"), Text(text=CALLS)), HELD, 7) for event in batch]
    assert events == [
        BlockStart(index=0, kind="reasoning"),
        Delta(index=0, text="hm"),
        BlockStop(index=0),
        BlockStart(index=1, kind="tool_call", tool_index=0, id="call_0", name="add"),
        Delta(index=1, text='{"a":1}'),
        BlockStop(index=1),
        BlockStart(index=2, kind="tool_call", tool_index=1, id="call_1", name="add"),
        Delta(index=2, text='{"a":2}'),
        BlockStop(index=2),
        Finish(reason="tool_calls"),
        UsageReport(usage=USAGE, model="m"),
    ]


def test_an_answer_goes_on_piece_by_piece():
    batches = streamed(said(Text(text='{"answer":"Hola, ñ"}')), HELD, 1)
    deltas = [event.text for batch in batches for event in batch if isinstance(event, Delta)]
    assert deltas == list("Hola, ñ")


@pytest.mark.parametrize("reason", ["length", "stop", "content_filter"])
def test_a_cut_call_is_text_and_says_why_it_ended(reason: FinishReason):
    cut = CALLS[:-20]
    assert reread(said(Text(text=cut), reason=reason), HELD, counted()).choices[0] == Choice(
        content=(Text(text=cut),), finish_reason=reason
    )


def test_choices_are_read_each_on_its_own():
    both = Result(choices=(Choice(content=(Text(text=CALLS),)), Choice(content=(Text(text='{"answer":"x"}'),))))
    first, second = reread(both, HELD, counted()).choices
    assert [type(part) for part in first.content] == [ToolCall, ToolCall]
    assert second == Choice(content=(Text(text="x"),))


def test_what_a_server_calls_by_itself_stays_a_call():
    result = said(called("own", 3), reason="tool_calls")
    assert reread(result, HELD, counted()) == result


def test_an_empty_answer_stays_empty():
    assert reread(said(), HELD, counted()).choices == (Choice(),)


@given(result=values.results(2), size=st.integers(1, 4))
@pytest.mark.parametrize("plan", [Plan(), FREE, HELD])
def test_a_stream_says_what_the_whole_answer_says(plan: Plan, result: Result, size: int):
    assert aggregate(streamed(result, plan, size)).choices == reread(result, plan, counted()).choices


@given(text=values.texts, size=st.integers(1, 4))
def test_refusals_and_thoughts_are_left_alone(text: str, size: int):
    result = said(Reasoning(text="a{"), Refusal(text="[b"), Text(text=text + "x"))
    assert aggregate(streamed(result, FREE, size)).choices == result.choices
