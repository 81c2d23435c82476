from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import CacheMark, Message, Request, Text, Tool
from llm_gateway.dialects.common.cache_control import control_of, mark_of, with_fewer_marks


@pytest.mark.parametrize("mark", ["5m", "1h"])
def test_a_mark_survives_its_own_writing(mark: CacheMark):
    assert mark_of(control_of(mark)) == mark


def test_what_is_no_control_is_no_mark():
    assert mark_of(None) is None and mark_of("ephemeral") is None


marks = st.sampled_from([None, "5m", "1h"])


def marked(request: Request) -> list[str]:
    """What is marked, in the order of the prompt."""
    system = [message for message in request.messages if message.role == "system"]
    others = [message for message in request.messages if message.role != "system"]
    texts = [part for message in (*system, *others) for part in message.content if isinstance(part, Text)]
    return [tool.name for tool in request.tools if tool.cache] + [text.text for text in texts if text.cache]


@given(st.lists(marks, max_size=4), st.lists(st.tuples(st.booleans(), marks), max_size=8))
def test_the_last_four_marks_stay_and_nothing_else_changes(
    tools: list[CacheMark | None], turns: list[tuple[bool, CacheMark | None]]
):
    request = Request(
        model="m",
        tools=tuple(Tool(name=f"tool{number}", cache=mark) for number, mark in enumerate(tools)),
        messages=tuple(
            Message(role="system" if system else "user", content=(Text(text=f"text{number}", cache=mark),))
            for number, (system, mark) in enumerate(turns)
        ),
    )
    fewer = with_fewer_marks(request)
    assert marked(fewer) == marked(request)[-4:]
    assert [tool.name for tool in fewer.tools] == [tool.name for tool in request.tools]
    assert [(m.role, m.text()) for m in fewer.messages] == [(m.role, m.text()) for m in request.messages]
