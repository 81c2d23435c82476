from __future__ import annotations

from llm_gateway.estimate import estimated_usage
from llm_gateway.types import Image, Message, Request, Text, ToolCall


def test_text_and_calls_count_and_the_guess_is_marked():
    messages = (
        Message(role="user", content=(Text(text="a" * 40), Image(url="https://x.test/" + "a" * 400))),
        Message(role="assistant", content=(ToolCall(id="c", name="name", arguments='{"a":1}' + " " * 9),)),
    )
    usage = estimated_usage(Request(model="m", messages=messages), 9)
    assert (usage.prompt_tokens, usage.completion_tokens) == (10 + 5 + 2 * 4, 3)
    assert usage.estimated


def test_an_answer_of_nothing_has_no_completion_tokens():
    assert estimated_usage(Request(model="m", messages=()), 0).completion_tokens == 0
