from __future__ import annotations

from typing import Any

import pytest
from llm_gateway.canonical import Request, ResponseFormat, Tool, ToolChoice
from llm_gateway.canonical.parameters import EVERYTHING, OPTIONAL, given, lacking, without

BLANK = Request(model="m", messages=())


def asked(**fields: Any) -> Request:
    return Request(model="m", messages=(), **fields)


SAYS_SOMETHING: dict[str, Any] = {
    "tools": (Tool(name="add"),),
    "tool_choice": ToolChoice(mode="required"),
    "parallel_tool_calls": False,
    "response_format": ResponseFormat(type="json_object"),
    "temperature": 0.0,
    "top_p": 0.5,
    "top_k": 3,
    "max_tokens": 1,
    "stop": ("x",),
    "seed": 0,
    "presence_penalty": -1.0,
    "frequency_penalty": 0.5,
    "logit_bias": {"5": 1.0},
    "n": 2,
    "logprobs": True,
    "top_logprobs": 0,
    "reasoning_effort": "low",
    "reasoning_budget": 0,
}


@pytest.mark.parametrize("name", OPTIONAL)
def test_each_is_missed_where_it_is_given_and_nowhere_else(name: str):
    request = asked(**{name: SAYS_SOMETHING[name]})
    assert lacking(request, EVERYTHING) == ()
    assert lacking(request, EVERYTHING - {name}) == (name,)
    assert lacking(BLANK, frozenset()) == ()
    assert without(request, (name,)) == BLANK


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 1), ("logprobs", False), ("parallel_tool_calls", True), ("response_format", ResponseFormat(type="text")),
        ("tool_choice", ToolChoice(mode="auto")), ("temperature", 1.0), ("top_p", 1), ("presence_penalty", 0.0),
        ("frequency_penalty", 0),
    ],
)  # fmt: skip
def test_what_every_provider_does_anyway_is_not_missed(name: str, value: object):
    assert not given(asked(**{name: value}), name)
