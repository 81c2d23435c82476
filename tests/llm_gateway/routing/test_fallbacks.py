"""Who stands in for whom: on failures, on requests that are too long, on what a policy forbids."""

from __future__ import annotations

import pytest
from llm_gateway.canonical import Choice, Delta, Finish, Request, Result, Text, ToolCall, Usage, UsageReport
from llm_gateway.errors import UpstreamRejected, UpstreamUnavailable
from msgspec.structs import replace

from tests.llm_gateway import values
from tests.llm_gateway.routing.stage import ASK, Scripted, Stage, model, route, spoken

GOOD = values.said("aquí")
TOO_LONG = UpstreamRejected("400", code="context_length_exceeded")
FORBIDDEN = UpstreamRejected("400", code="content_policy_violation")
FILTERED = Result(choices=(Choice(content=(), finish_reason="content_filter"),), usage=Usage(prompt_tokens=3))
CAUSES = {"context_window": TOO_LONG, "content_filter": FORBIDDEN}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("cause", CAUSES)
async def test_each_cause_has_its_own_stand_ins(cause: str, streamed: bool):
    step = [CAUSES[cause]] if streamed else CAUSES[cause]
    stage = Stage(Scripted(main=[step], other=[spoken("aquí") if streamed else GOOD]))
    way = route(model(), model("spare"), **{cause: (model("other"),)})
    answered = await (stage.router.stream if streamed else stage.router.complete)(ASK, way)
    assert answered.model.name == "other" and stage.scripted.asked == ["main", "other"]
    assert way.fallback_from(answered.model) == "main"
    if streamed:
        await answered.value.aclose()  # type: ignore[union-attr]


@pytest.mark.parametrize("cause", CAUSES)
async def test_without_stand_ins_the_rejection_is_told(cause: str):
    stage = Stage(Scripted(main=[CAUSES[cause]]))
    with pytest.raises(UpstreamRejected) as caught:
        await stage.router.complete(ASK, route(model(), model("spare")))
    assert caught.value.code == CAUSES[cause].code and stage.scripted.asked == ["main"]


async def test_other_rejections_have_none():
    stage = Stage(Scripted(main=[UpstreamRejected("400")]))
    with pytest.raises(UpstreamRejected):
        await stage.router.complete(ASK, route(model(), context_window=(model("a"),), content_filter=(model("b"),)))
    assert stage.scripted.asked == ["main"]


async def test_a_stand_in_may_reject_it_too():
    stage = Stage(Scripted(main=[TOO_LONG], a=[TOO_LONG], b=[FORBIDDEN], c=[GOOD]))
    way = route(model(), context_window=(model("a"), model("b")), content_filter=(model("c"),))
    assert (await stage.router.complete(ASK, way)).model.name == "c"
    assert stage.scripted.asked == ["main", "a", "b", "c"]


async def test_a_fallback_that_finds_it_too_long_leads_on_too():
    stage = Stage(Scripted(main=[UpstreamUnavailable("500")], spare=[TOO_LONG], long=[GOOD]))
    way = route(model(retries=0), model("spare"), context_window=(model("long"),))
    assert (await stage.router.complete(ASK, way)).model.name == "long"


@pytest.mark.parametrize("cause", CAUSES)
async def test_circles_end(cause: str):
    stage = Stage(Scripted(main=[CAUSES[cause]] * 9, spare=[CAUSES[cause]] * 9))
    circle = (model("spare"), model())
    way = route(model(), *circle, context_window=circle, content_filter=circle)
    with pytest.raises(UpstreamRejected):
        await stage.router.complete(ASK, way)
    assert stage.scripted.asked == ["main", "spare"]


async def test_an_answer_of_which_the_filter_left_nothing():
    stage = Stage(Scripted(main=[FILTERED, FILTERED], other=[GOOD]))
    way = route(model(), content_filter=(model("other"),))
    assert (await stage.router.complete(ASK, way)).value is GOOD
    assert (await stage.router.complete(ASK, route(model()))).value is FILTERED, "without a stand-in it is the answer"


async def test_a_stream_that_the_filter_ends_before_its_first_word():
    silent = [[UsageReport(usage=Usage(prompt_tokens=3))], [Finish(reason="content_filter")]]
    stage = Stage(Scripted(main=[silent, silent], other=[spoken("aquí")]))
    answered = await stage.router.stream(ASK, route(model(), content_filter=(model("other"),)))
    said = [event async for batch in answered.value for event in batch]
    assert Delta(index=0, text="aquí") in said
    answered = await stage.router.stream(ASK, route(model()))
    said = [event async for batch in answered.value for event in batch]
    assert said[-1] == Finish(reason="content_filter"), "without a stand-in it is the answer"


@pytest.mark.parametrize(
    "content", [(Text(text="medio"),), (ToolCall(id="1", name="f", arguments="{}"),)], ids=["text", "call"]
)
async def test_what_was_partly_filtered_is_an_answer(content: tuple[Text | ToolCall, ...]):
    partly = Result(choices=(Choice(content=content, finish_reason="content_filter"),))
    stage = Stage(Scripted(main=[partly]))
    assert (await stage.router.complete(ASK, route(model(), content_filter=(model("other"),)))).value is partly


async def test_a_rejection_leaves_the_circuit_closed():
    stage = Stage(Scripted(main=[TOO_LONG] * 20, other=[GOOD] * 20))
    for _ in range(20):
        await stage.router.complete(ASK, route(model(), context_window=(model("other"),)))
    assert stage.breakers.state(model().deployment) == "closed"


async def test_stand_ins_are_retried_as_any_model():
    stage = Stage(Scripted(main=[TOO_LONG], other=[UpstreamUnavailable("500"), GOOD]))
    assert (await stage.router.complete(ASK, route(model(), context_window=(model("other"),)))).model.name == "other"


async def test_what_a_stand_in_lacks_passes_it_over():
    seeded: Request = replace(ASK, seed=7)
    stage = Stage(Scripted(main=[TOO_LONG], b=[GOOD]))
    way = route(model(), context_window=(model("a", lacks=("seed",)), model("b")))
    assert (await stage.router.complete(seeded, way)).model.name == "b"
