"""Streams that are held until they are whole, and those that somebody else continues where they broke."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    Logprobs,
    Message,
    ResponseFormat,
    Result,
    Signature,
    Text,
    ToolCall,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.catalog.catalog import Route
from llm_gateway.catalog.pricing import Rate, Rates, cost
from llm_gateway.errors import UpstreamError, UpstreamProtocol, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
from llm_gateway.routing import Routed, sum_usage
from llm_gateway.routing.options import CallOptions
from llm_gateway.routing.segments import broken_segment
from llm_gateway.routing.splicer import StreamSplicer, Transcript, onward
from msgspec.structs import replace

from tests.llm_gateway.routing.stage import ASK, Scripted, Stage, broken, model, route, spoken

CUT = UpstreamProtocol("cut", code="upstream_stream_cut")
HOLD, CONTINUE = CallOptions(safe_stream="hold"), CallOptions(safe_stream="continue")
CAN = ("stream", "prefill")


async def heard(answered: Routed[Any]) -> tuple[Result, list[list[Event]]]:
    """The whole of it, checked: no delta without its block, and nothing after a finish but usage."""
    aggregate, batches = Aggregate(), []
    async for batch in answered.value:
        batches.append(batch)
        aggregate.feed(batch)
    assert aggregate.finished
    starts = [e.index for batch in batches for e in batch if isinstance(e, BlockStart)]
    stops = [e.index for batch in batches for e in batch if isinstance(e, BlockStop)]
    assert starts == sorted(set(starts)) == sorted(stops)
    return aggregate.result(), batches


def text_of(result: Result) -> str:
    return "".join(part.text for part in result.content if isinstance(part, Text))


# --- held ---


async def test_a_held_stream_is_replayed_piece_by_piece():
    stage = Stage(Scripted(main=[spoken("a", "b", "c")]))
    result, batches = await heard(await stage.router.stream(ASK, route(model()), HOLD))
    assert text_of(result) == "abc" and len(batches) >= 3


@pytest.mark.parametrize("failure", [CUT, UpstreamUnavailable("x")])
async def test_a_held_stream_that_breaks_is_asked_again(failure: UpstreamError):
    stage = Stage(Scripted(main=[[*broken("una ", "mit"), failure], spoken("entera")]))
    answered = await stage.router.stream(ASK, route(model()), HOLD)
    assert text_of((await heard(answered))[0]) == "entera" and not answered.broken
    assert stage.scripted.closed == 2


async def test_or_another_model_gives_it_whole():
    stage = Stage(Scripted(main=[[*broken("una ", "mit"), UpstreamTimeout("silent")]], spare=[spoken("entera")]))
    answered = await stage.router.stream(ASK, route(model(), model("spare")), HOLD)
    assert answered.model.name == "spare" and text_of((await heard(answered))[0]) == "entera"


async def test_a_held_stream_that_nobody_ends_is_an_error_from_the_start():
    stage = Stage(Scripted(main=[[*broken("x"), CUT]]))
    with pytest.raises(UpstreamProtocol):
        await stage.router.stream(ASK, route(model(retries=0)), HOLD)


async def test_the_caller_has_the_last_word_over_the_catalog():
    stage = Stage(Scripted(main=[[*broken("x"), CUT], [*broken("x"), CUT]]))
    held = model(retries=0, safe_stream="hold")
    with pytest.raises(UpstreamProtocol):
        await stage.router.stream(ASK, route(held))
    answered = await stage.router.stream(ASK, route(held), CallOptions(safe_stream="off"))
    with pytest.raises(UpstreamProtocol):
        await heard(answered)


# --- continued ---


async def test_another_model_goes_on_where_it_broke():
    stage = Stage(Scripted(main=[[*broken("Había ", "una "), CUT]], spare=[spoken("vez", " un rey")]))
    answered = await stage.router.stream(ASK, route(model(), model("spare", supports=CAN)), CONTINUE)
    assert answered.model.name == "main"
    result, _ = await heard(answered)
    assert result.content == (Text(text="Había una vez un rey"),) and answered.model.name == "spare"
    asked = stage.scripted.requests[1]
    assert asked.messages == (*ASK.messages, Message(role="assistant", content=(Text(text="Había una"),)))
    assert [part.model.name for part in answered.broken] == ["main"] and stage.scripted.closed == 2


async def test_the_same_model_may_go_on_itself():
    stage = Stage(Scripted(main=[[*broken("uno "), CUT], [*broken(" dos"), CUT], spoken(" tres")]))
    answered = await stage.router.stream(ASK, route(model(supports=CAN)), CONTINUE)
    result, _ = await heard(answered)
    assert text_of(result) == "uno dos tres" and len(answered.broken) == 2


@pytest.mark.parametrize("changes", [{"retries": 0}, {"supports": ("stream",)}])
async def test_but_not_when_it_may_not_or_cannot(changes: dict[str, Any]):
    stage = Stage(Scripted(main=[[*broken("uno "), CUT]]))
    answered = await stage.router.stream(ASK, route(model(**{"supports": CAN, **changes})), CONTINUE)
    with pytest.raises(UpstreamProtocol):
        await heard(answered)
    assert stage.scripted.asked == ["main"] and not answered.broken


async def test_who_fell_silent_is_not_asked_to_go_on():
    stage = Stage(Scripted(main=[[*broken("uno "), UpstreamTimeout("silent")]], spare=[spoken("dos")]))
    answered = await stage.router.stream(ASK, route(model(supports=CAN), model("spare", supports=CAN)), CONTINUE)
    assert text_of((await heard(answered))[0]) == "uno dos" and stage.scripted.asked == ["main", "spare"]


async def test_when_nobody_goes_on_the_break_is_told():
    stage = Stage(Scripted(main=[[*broken("uno "), CUT]], spare=[[UpstreamUnavailable("500")]]))
    way = route(model(), model("spare", supports=CAN, retries=0))
    with pytest.raises(UpstreamProtocol) as caught:
        await heard(await stage.router.stream(ASK, way, CONTINUE))
    assert caught.value.code == "upstream_stream_cut"


async def test_not_without_end():
    stage = Stage(Scripted(main=[[*broken("x"), CUT]] * 9))
    with pytest.raises(UpstreamProtocol):
        await heard(await stage.router.stream(ASK, route(model(supports=CAN)), CONTINUE))
    assert len(stage.scripted.asked) == 3


SEAMLESS_NOT: list[tuple[dict[str, Any], list[Event]]] = [
    ({"n": 2}, []),
    ({"response_format": ResponseFormat(type="json_schema", name="x", schema={})}, []),
    ({"logprobs": True}, []),
    ({"reasoning_effort": "low"}, []),
    ({"reasoning_budget": 2000}, []),
    ({}, [BlockStart(index=1, kind="tool_call", tool_index=0, id="c", name="f"), Delta(index=1, text='{"a')]),
    ({}, [BlockStart(index=1, kind="reasoning"), Delta(index=1, text="hm")]),
    ({}, [Signature(index=0, signature="s")]),
    ({}, [BlockStart(index=1, kind="refusal")]),
    ({}, [Logprobs(value={})]),
]


@pytest.mark.parametrize(("changes", "also"), SEAMLESS_NOT)
async def test_what_would_show_a_seam_is_not_continued(changes: dict[str, Any], also: list[Event]):
    stage = Stage(Scripted(main=[[*broken("uno "), also, CUT]]))
    way = route(model(), model("spare", supports=CAN))
    with pytest.raises(UpstreamProtocol):
        await heard(await stage.router.stream(replace(ASK, **changes), way, CONTINUE))
    assert stage.scripted.asked == ["main"]


async def test_a_rejection_in_the_middle_is_not_sent_on():
    stage = Stage(Scripted(main=[[*broken("uno "), UpstreamRejected("x", code="content_policy_violation")]]))
    with pytest.raises(UpstreamRejected):
        await heard(await stage.router.stream(ASK, route(model(), model("spare", supports=CAN)), CONTINUE))


async def test_a_continuation_may_call_tools():
    rest: list[Event] = [
        Delta(index=0, text=" ahora"), BlockStop(index=0),
        BlockStart(index=1, kind="tool_call", tool_index=0, id="c1", name="suma"), Delta(index=1, text="{}"),
        BlockStop(index=1), Finish(reason="tool_calls"),
    ]  # fmt: skip
    stage = Stage(Scripted(main=[[*broken("Sumo"), CUT]], spare=[[[BlockStart(index=0, kind="text")], rest]]))
    answered = await stage.router.stream(ASK, route(model(), model("spare", supports=CAN)), CONTINUE)
    result, _ = await heard(answered)
    assert result.content == (Text(text="Sumo ahora"), ToolCall(id="c1", name="suma", arguments="{}"))
    assert result.finish_reason == "tool_calls"


async def test_one_that_begins_with_a_call_ends_the_open_block():
    rest: list[Event] = [
        BlockStart(index=0, kind="tool_call", tool_index=0, id="c1", name="suma"), Delta(index=0, text=" {}"),
        BlockStop(index=0), Finish(reason="tool_calls"),
    ]  # fmt: skip
    stage = Stage(Scripted(main=[[*broken("Sumo "), CUT]], spare=[[rest]]))
    answered = await stage.router.stream(ASK, route(model(), model("spare", supports=CAN)), CONTINUE)
    result, _ = await heard(answered)
    assert result.content == (Text(text="Sumo "), ToolCall(id="c1", name="suma", arguments=" {}"))


async def test_a_break_between_blocks_begins_a_new_one():
    between = [*broken("uno"), [BlockStop(index=0)], CUT]
    stage = Stage(Scripted(main=[between], spare=[spoken(" dos")]))
    answered = await stage.router.stream(ASK, route(model(), model("spare", supports=CAN)), CONTINUE)
    assert (await heard(answered))[0].content == (Text(text="uno"), Text(text=" dos"))


async def test_leaving_in_the_second_part_closes_it():
    stage = Stage(Scripted(main=[[*broken("uno "), CUT]], spare=[spoken("dos", "tres")]))
    answered = await stage.router.stream(ASK, route(model(), model("spare", supports=CAN)), CONTINUE)
    stream = cast("AsyncGenerator[list[Event]]", answered.value)
    async for batch in stream:
        if any(isinstance(event, Delta) and "dos" in event.text for event in batch):
            break
    await stream.aclose()
    assert stage.scripted.closed == 2


# --- spaces ---


@pytest.mark.parametrize(
    ("said", "pieces", "whole"),
    [
        ("uno ", [" dos"], "uno dos"),
        ("uno ", ["dos"], "uno dos"),
        ("uno", [" dos"], "uno dos"),
        ("uno\n\n", ["\n", "\n", "dos"], "uno\n\ndos"),
        ("uno\n\n", ["\n- dos"], "uno\n\n- dos"),
        ("uno ", ["\ndos"], "uno \ndos"),
        ("uno  ", [" ", "  dos"], "uno   dos"),
        ("  ", ["  uno"], "  uno"),
        ("uno ", [" "], "uno "),
    ],
)
def test_spaces_are_neither_lost_nor_doubled(said: str, pieces: list[str], whole: str):
    spoken_ = Transcript(ASK)
    for batch in broken(said):
        spoken_.feed(batch)
    seam = StreamSplicer(spoken_)
    joined = [event for batch in spoken(*pieces) for event in seam.join(batch)]
    assert said + "".join(event.text for event in joined if isinstance(event, Delta)) == whole


_words = st.text("ab \n", max_size=12)


@given(whole=_words.map(lambda text: f"x{text}"), at=st.integers(0, 12), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_whoever_goes_on_exactly_from_the_half_turn_leaves_no_seam(whole: str, at: int, cuts: list[int]):
    said = whole[: max(1, min(at, len(whole)))]
    rest = whole[len(said.rstrip()) :]
    edges = [0, *sorted(min(cut, len(rest)) for cut in cuts), len(rest)]
    pieces = [rest[a:b] for a, b in pairwise(edges)]
    spoken_ = Transcript(ASK)
    for batch in broken(said):
        spoken_.feed(batch)
    seam = StreamSplicer(spoken_)
    joined = [event for batch in spoken(*pieces) for event in seam.join(batch)]
    assert said + "".join(event.text for event in joined if isinstance(event, Delta)) == whole


def test_the_half_turn_counts_against_the_limit():
    request = replace(ASK, max_tokens=100)
    assert onward(request, "x" * 40).max_tokens == 90
    assert onward(request, "x" * 4000).max_tokens == 1
    assert onward(ASK, "x").max_tokens is None
    assert onward(ASK, " \n").messages == ASK.messages, "spaces alone are no half turn"


# --- what it costs ---

RATES = Rates(input=Rate(Decimal(1)), output=Rate(Decimal(10)))


async def test_both_parts_are_counted():
    told: list[Event] = [UsageReport(usage=Usage(prompt_tokens=20, completion_tokens=1, cached_tokens=5))]
    last = Usage(prompt_tokens=30, completion_tokens=2)
    stage = Stage(Scripted(main=[[told, *broken("a" * 40), CUT]], spare=[spoken("b" * 8, usage=last)]))
    way: Route = route(model(rates=RATES), model("spare", supports=CAN, rates=RATES))
    answered = await stage.router.stream(ASK, way, CONTINUE)
    result, _ = await heard(answered)
    assert result.usage == last
    usage, spent = sum_usage(last, cost(last, RATES), answered.broken)
    assert usage == Usage(prompt_tokens=50, completion_tokens=12, cached_tokens=5, estimated=True)
    assert spent.usd == Decimal("0.00005") + Decimal("0.00012") and spent.source == "estimated"
    assert sum(spent.items.values()) == spent.usd


async def test_a_continuation_that_tells_no_usage_is_estimated():
    stage = Stage(Scripted(main=[[*broken("a" * 40), CUT]], spare=[spoken("b" * 8)]))
    answered = await stage.router.stream(ASK, route(model(), model("spare", supports=CAN)), CONTINUE)
    result, _ = await heard(answered)
    assert result.usage and result.usage.estimated and result.usage.completion_tokens == 2
    assert result.usage.prompt_tokens > 10, "the half turn is part of its prompt"


def test_an_unknown_part_makes_the_whole_unknown():
    part = broken_segment(model(rates=None), ASK, None, 40)
    _, spent = sum_usage(Usage(prompt_tokens=1), cost(Usage(prompt_tokens=1), RATES), [part])
    assert (spent.usd, spent.source, spent.items) == (None, "unknown", {})
