from __future__ import annotations

from llm_gateway.canonical import Image, Message, Request, Text, ToolCall, Usage
from llm_gateway.canonical.estimate import as_far_as, estimated_usage


def test_text_and_calls_count_and_the_guess_is_marked():
    messages = (
        Message(role="user", content=(Text(text="a" * 40), Image(url="https://x.test/" + "a" * 400))),
        Message(role="assistant", content=(ToolCall(id="c", name="name", arguments='{"a":1}' + " " * 9),)),
    )
    usage = estimated_usage(Request(model="m", messages=messages), 9)
    assert (usage.prompt_tokens, usage.completion_tokens) == (10 + 5 + 2 * 4, 3)
    assert usage.estimated


def test_a_stream_that_is_broken_off_is_counted_as_far_as_it_came():
    request = Request(model="m", messages=())
    beginning = Usage(prompt_tokens=100, cached_tokens=90, completion_tokens=1, estimated=True)
    counted = Usage(prompt_tokens=100, completion_tokens=1)
    assert as_far_as(beginning, request, 40) == Usage(
        prompt_tokens=100, cached_tokens=90, completion_tokens=10, estimated=True
    )
    assert as_far_as(beginning, request, 0) == beginning
    assert as_far_as(counted, request, 40) == counted
    assert as_far_as(None, request, 40) == estimated_usage(request, 40)


def test_an_answer_of_nothing_has_no_completion_tokens():
    assert estimated_usage(Request(model="m", messages=()), 0).completion_tokens == 0
