"""Usage figures that cannot be count as missing, in every dialect, and never cost an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import Request, Usage, UsageReport
from llm_gateway.dialects.anthropic.decode import usage_of as anthropic
from llm_gateway.dialects.bedrock.decode import usage_of as bedrock
from llm_gateway.dialects.common.usage import usage_from
from llm_gateway.dialects.gemini.decode_chunk import usage_of as gemini
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.dialects.openai_chat.decode import usage_of as openai
from llm_gateway.dialects.openai_chat.wire import Received

from tests.llm_gateway import values
from tests.strategies import nested

ODD = [-1, 10**12, float("nan"), float("inf"), 1.5, "9", "many", [], {}, True]

DIALECTS = [
    pytest.param(lambda told: openai(Received(usage=told)), ("prompt_tokens", "completion_tokens"), id="openai"),
    pytest.param(anthropic, ("input_tokens", "output_tokens"), id="anthropic"),
    pytest.param(gemini, ("promptTokenCount", "candidatesTokenCount"), id="gemini"),
    pytest.param(bedrock, ("inputTokens", "outputTokens"), id="bedrock"),
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize(("usage_of", "names"), DIALECTS)
def test_one_count_that_cannot_be_makes_all_missing(usage_of: Any, names: tuple[str, str], odd: Any):
    good = dict.fromkeys(names, 7)
    assert usage_of(good) == Usage(prompt_tokens=7, completion_tokens=7)
    for name in names:
        assert usage_of({**good, name: odd}) is None


@pytest.mark.parametrize("told", [None, [], "x", 7, {}, True])
@pytest.mark.parametrize(("usage_of", "names"), DIALECTS)
def test_what_is_no_usage_is_none(usage_of: Any, names: tuple[str, str], told: Any):
    assert usage_of(told) is None


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd != {}], ids=repr)
def test_a_detail_that_cannot_be_is_left_out_and_makes_an_estimate(odd: Any):
    assert usage_from(prompt=(9,), completion=(4,), cached_tokens=odd) == Usage(
        prompt_tokens=9, completion_tokens=4, estimated=True
    )
    assert usage_from(prompt=(9,), cached_tokens=10) == Usage(prompt_tokens=9, estimated=True), "more than the prompt"


def test_empty_details_of_php_are_none():
    told = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": [], "completion_tokens_details": []}
    assert openai(Received(usage=told)) == Usage(prompt_tokens=9, completion_tokens=4)


def test_whole_numbers_may_have_a_point():
    assert usage_from(prompt=(9.0,), completion=(4.0,)) == Usage(prompt_tokens=9, completion_tokens=4)


@pytest.mark.parametrize("odd", [-0.5, float("nan"), float("inf"), 1e12, "0.01", [], True], ids=repr)
def test_a_cost_that_cannot_be_is_not_reported(odd: Any):
    assert usage_from(prompt=(9,), cost=odd) == Usage(prompt_tokens=9)
    assert usage_from(prompt=(9,), cost=0.01) == Usage(prompt_tokens=9, cost_usd=Decimal("0.01"))


JSON = nested(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@pytest.mark.parametrize(("usage_of", "names"), DIALECTS)
@given(data=st.data())
def test_whatever_is_told_gives_counts_that_can_be(usage_of: Any, names: tuple[str, str], data: st.DataObject):
    fields = (
        *names, "cost", "prompt_tokens_details", "completion_tokens_details", "cache_creation", "cacheDetails",
        "cache_read_input_tokens", "promptTokensDetails", "thoughtsTokenCount", "server_tool_use", "trafficType",
    )  # fmt: skip
    usage = usage_of(data.draw(st.dictionaries(st.sampled_from(fields), JSON)))
    if usage is not None:
        assert usage.prompt_tokens >= 0 and usage.completion_tokens >= 0 and usage.cached_tokens >= 0
        assert usage.cost_usd is None or usage.cost_usd >= 0


def test_what_was_served_otherwise_than_usual_is_told():
    good = {"prompt_tokens": 9, "completion_tokens": 4}

    def tiers(tier: Any) -> Any:
        usage = openai(Received(usage=good, service_tier=tier))
        return usage and usage.modifiers

    assert [tiers(tier) for tier in ("flex", "priority", "default", "auto", None, 7, {})] == [
        ("service_tier=flex",), ("service_tier=priority",), (), (), (), (), (),
    ]  # fmt: skip
    counts = {"input_tokens": 9, "output_tokens": 4, "service_tier": "standard", "inference_geo": "global"}
    told = anthropic(
        {**counts, "speed": "fast", "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}}
    )
    usual = anthropic({**counts, "server_tool_use": {"web_search_requests": 0}})
    assert told and usual and (told.modifiers, usual.modifiers) == (("speed=fast", "web_search_requests"), ())


def test_a_streams_tier_is_told_with_its_usage():
    decoder = OpenAIChatClient().stream_decoder(Request(model="m", messages=()), values.model("m"))
    decoder.feed(b'{"service_tier":"flex","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}')
    decoder.feed(b'{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}')
    *_, report = decoder.finish()
    assert isinstance(report, UsageReport) and report.usage.modifiers == ("service_tier=flex",)
