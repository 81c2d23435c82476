from __future__ import annotations

from hypothesis import given, settings
from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Choice,
    Delta,
    Finish,
    Logprobs,
    Reasoning,
    Result,
    Signature,
    Text,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.aggregate import Aggregate, events_of

from tests.llm_gateway import values


@settings(max_examples=60, deadline=None)
@given(values.results(most_choices=3))
def test_the_aggregate_of_a_results_events_is_the_result(result: Result):
    aggregate = Aggregate()
    aggregate.feed(events_of(result))
    assert aggregate.finished and aggregate.result() == result


def test_a_cut_stream_has_what_came():
    aggregate = Aggregate()
    aggregate.feed([BlockStart(index=0, kind="text"), Delta(index=0, text="Ho")])
    assert not aggregate.finished and aggregate.characters() == 2
    assert aggregate.result().content == (Text(text="Ho"),)


def test_a_choice_that_began_must_end():
    aggregate = Aggregate()
    aggregate.feed(
        [BlockStart(index=0, kind="text"), Finish(reason="stop"), BlockStart(index=0, kind="text", choice=1)]
    )
    assert not aggregate.finished
    aggregate.feed([Finish(reason="length", choice=1)])
    assert aggregate.finished
    assert [choice.finish_reason for choice in aggregate.result().choices] == ["stop", "length"]


def test_signatures_and_logprobs_are_kept():
    aggregate = Aggregate()
    aggregate.feed(
        [
            BlockStart(index=0, kind="reasoning"), Delta(index=0, text="hm"),
            Signature(index=0, signature="s", provider="anthropic"), BlockStop(index=0),
            Logprobs(value={"content": [1], "refusal": None}), Logprobs(value={"content": [2], "refusal": None}),
            Finish(reason="stop"),
        ]
    )  # fmt: skip
    assert aggregate.result().choices == (
        Choice(
            content=(Reasoning(text="hm", signature="s", provider="anthropic"),),
            logprobs={"content": [1, 2], "refusal": None},
        ),
    )


def test_the_last_usage_counts():
    aggregate = Aggregate()
    aggregate.feed([UsageReport(usage=Usage(prompt_tokens=1), model="m"), UsageReport(usage=Usage(prompt_tokens=2))])
    assert aggregate.usage == Usage(prompt_tokens=2) and aggregate.model == "m"
