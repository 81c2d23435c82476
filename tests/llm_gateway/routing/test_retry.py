"""Which failures are worth another attempt, at whom, and after how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvloop
from llm_gateway.canonical import Event, Request, Result
from llm_gateway.catalog.models import Model
from llm_gateway.errors import (
    CircuitOpen,
    InvalidRequest,
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from llm_gateway.routing import Router
from llm_gateway.routing.breakers import Admission, Breakers

from tests.llm_gateway import values
from tests.llm_gateway.routing.stage import ASK, Scripted, Stage, broken, model, route, several, spoken
from tests.waiting import eventually

GOOD = values.said("aquí")
CUT = UpstreamProtocol("cut", code="upstream_stream_cut")


def gone(seconds: float | None = None) -> UpstreamUnavailable:
    return UpstreamUnavailable("500", retry_after=seconds)


def limited(seconds: float | None = None, code: str | None = None) -> UpstreamRateLimited:
    return UpstreamRateLimited("429", retry_after=seconds, code=code)


async def failing(stage: Stage, *targets: Model, request: Request = ASK, ends_at: float | None = None) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await stage.router.complete(request, route(*targets), ends_at=ends_at)
    return caught.value


@pytest.mark.parametrize("failure", [gone(), CUT])
async def test_a_passing_failure_is_asked_again_after_a_random_pause(failure: UpstreamError):
    stage = Stage(Scripted(main=[failure, failure, GOOD]), draw=lambda: 0.5)
    answered = await stage.router.complete(ASK, route(model()))
    assert (answered.value, answered.model.name) == (GOOD, "main")
    assert stage.clock.slept == pytest.approx([0.6, 1.0]), "half way from 0.4 to 0.8, then to 1.6"


async def test_pauses_grow_no_further_than_their_cap():
    stage = Stage(Scripted(main=[gone()] * 11), draw=lambda: 0.999)
    stage.breakers._rules = type(stage.breakers._rules)(failures=99)  # pyright: ignore[reportPrivateUsage]
    await failing(stage, model(retries=10))
    assert len(stage.clock.slept) == 10 and max(stage.clock.slept) == pytest.approx(1.9984)
    assert stage.clock.slept[:4] == pytest.approx([0.7996, 1.5988, 1.9984, 1.9984])


async def test_no_more_often_than_the_catalog_says():
    stage = Stage(Scripted(main=[gone(), gone(), limited()]))
    error = await failing(stage, model(retries=2))
    assert isinstance(error, UpstreamRateLimited) and stage.scripted.asked == ["main"] * 3
    once = Stage(Scripted(main=[gone()]))
    await failing(once, model(retries=0))
    assert once.scripted.asked == ["main"] and once.clock.slept == []


ONCE = [
    UpstreamTimeout("silent"), UpstreamCredentials("401"), UpstreamProtocol("garbage"),
    limited(code="insufficient_quota"),
]  # fmt: skip


@pytest.mark.parametrize("failure", ONCE)
async def test_what_would_fail_again_is_left_for_the_fallback(failure: UpstreamError):
    stage = Stage(Scripted(main=[failure], spare=[GOOD]))
    answered = await stage.router.complete(ASK, route(model(), model("spare")))
    assert answered.model.name == "spare" and stage.scripted.asked == ["main", "spare"]
    assert stage.clock.slept == []


@pytest.mark.parametrize("failure", ONCE)
async def test_another_deployment_may_do_better(failure: UpstreamError):
    stage = Stage(Scripted(one=[failure], two=[GOOD]), draw=lambda: 0.0)
    answered = await stage.router.complete(ASK, route(several("one", "two"), model("spare")))
    assert (answered.model.name, answered.model.id) == ("main", "two")


async def test_another_deployment_at_a_silent_address_is_not_asked():
    stage = Stage(Scripted(one=[UpstreamTimeout("silent")], spare=[GOOD]), draw=lambda: 0.0)
    both = several("one", "two", base_url="http://same.test/v1")
    answered = await stage.router.complete(ASK, route(both, model("spare")))
    assert answered.model.name == "spare" and stage.scripted.asked == ["one", "spare"]


async def test_a_rejection_is_never_sent_again():
    stage = Stage(Scripted(main=[UpstreamRejected("400")], spare=[GOOD]))
    assert isinstance(await failing(stage, model(), model("spare")), UpstreamRejected)
    assert stage.scripted.asked == ["main"]


async def test_a_missing_model_may_be_elsewhere():
    missing = UpstreamRejected("404", code="upstream_model_not_found")
    missing.retriable = True
    stage = Stage(Scripted(main=[missing], spare=[GOOD]))
    assert (await stage.router.complete(ASK, route(model(), model("spare")))).model.name == "spare"
    assert stage.scripted.asked == ["main", "spare"]


# --- Retry-After ---


async def test_a_short_wait_that_was_asked_for_is_waited():
    stage = Stage(Scripted(main=[limited(3), GOOD]))
    await stage.router.complete(ASK, route(model()))
    assert stage.clock.slept == [3]


async def test_a_long_one_is_not():
    stage = Stage(Scripted(main=[limited(6)], spare=[GOOD]))
    assert (await stage.router.complete(ASK, route(model(), model("spare")))).model.name == "spare"
    assert stage.clock.slept == []


async def test_a_long_one_is_told_when_nobody_else_is_there():
    stage = Stage(Scripted(main=[limited(60)]))
    error = await failing(stage, model())
    assert (error.status, error.retry_after, stage.clock.slept) == (429, 60, [])


async def test_another_deployment_is_asked_at_once():
    stage = Stage(Scripted(one=[limited(3)], two=[GOOD]), draw=lambda: 0.0)
    answered = await stage.router.complete(ASK, route(several("one", "two")))
    assert answered.model.id == "two" and stage.clock.slept == []


async def test_of_two_that_ask_for_a_pause_the_shorter_is_waited_for():
    stage = Stage(Scripted(one=[limited(4)], two=[limited(2), GOOD]), draw=lambda: 0.0)
    answered = await stage.router.complete(ASK, route(several("one", "two")))
    assert answered.model.id == "two" and stage.clock.slept == [2]


async def test_nobody_is_asked_before_it_wants_to_be():
    stage = Stage(Scripted(main=[limited(60), GOOD]))
    await failing(stage, model(retries=0))
    stage.clock.now += 59.5
    error = await failing(stage, model())
    assert (error.status, error.code, error.retry_after) == (429, "upstream_rate_limited", pytest.approx(0.5))
    assert stage.scripted.asked == ["main"]
    stage.clock.now += 0.5
    await stage.router.complete(ASK, route(model()))


def test_a_pause_that_was_served_is_over_on_the_loop_that_ships():
    """uvloop's timers fire up to a millisecond early by the clock that pauses are measured with."""

    async def ask(seconds: float) -> bool:
        scripted = Scripted(main=[limited(seconds), GOOD])
        router = Router({"openai_chat": scripted}, Breakers())
        return (await router.complete(ASK, route(model()))).value == GOOD

    async def often() -> list[bool]:
        pauses = [0.0005 + 0.0001 * number for number in range(60)]
        return [await ask(pause) for pause in pauses * 4]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert all(runner.run(often()))


# --- the caller's time ---


async def test_no_wait_outlasts_the_callers_time():
    stage = Stage(Scripted(main=[limited(3)], spare=[GOOD]))
    soon = stage.clock.now + 2.9
    answered = await stage.router.complete(ASK, route(model(), model("spare")), ends_at=soon)
    assert answered.model.name == "spare" and stage.clock.slept == []
    alone = Stage(Scripted(main=[limited(3)]))
    error = await failing(alone, model(), ends_at=alone.clock.now + 2.9)
    assert (error.status, error.retry_after) == (429, 3)


# --- circuits ---


async def test_an_open_circuit_fails_at_once_and_says_for_how_long():
    stage = Stage(Scripted(main=[gone()] * 6), draw=lambda: 0.0, floor=0.0)
    for _ in range(2):
        await failing(stage, model())
    assert len(stage.scripted.asked) == 5, "the circuit opens in the middle of the second request's attempts"
    stage.clock.now += 4
    error = await failing(stage, model())
    assert isinstance(error, CircuitOpen)
    assert (error.status, error.code, error.provider) == (503, "upstream_circuit_open", "openai")
    assert error.retry_after == pytest.approx(11) and len(stage.scripted.asked) == 5


async def test_the_soonest_of_all_who_pause_is_told():
    stage = Stage(Scripted())
    stage.breakers.cool_down(model().deployment, 20)
    stage.breakers.cool_down(model("spare").deployment, 5)
    error = await failing(stage, model(), model("spare"))
    assert (error.status, error.retry_after) == (429, 5)


async def test_an_open_deployment_is_passed_over():
    stage = Stage(Scripted(one=[], two=[GOOD] * 20), draw=lambda: 0.0)
    both = several("one", "two")
    for _ in range(5):
        stage.breakers.failed(both.deployments[0].deployment)
    for _ in range(20):
        assert (await stage.router.complete(ASK, route(both))).model.id == "two"


@pytest.mark.parametrize(
    "failure", [UpstreamRejected("400"), InvalidRequest("x"), asyncio.CancelledError(), limited(), ValueError("a bug")]
)
async def test_what_says_nothing_about_the_deployment_does_not_count(failure: BaseException):
    stage = Stage(Scripted(main=[failure] * 30))
    for _ in range(30):
        with pytest.raises(type(failure)):
            await stage.router.complete(ASK, route(model(retries=0)))
    assert stage.breakers.state(model().deployment) == "closed"


@pytest.mark.parametrize("failure", [gone(), UpstreamTimeout("x"), UpstreamProtocol("x"), UpstreamCredentials("x")])
async def test_what_speaks_against_it_does(failure: UpstreamError):
    stage = Stage(Scripted(main=[failure] * 5))
    for _ in range(5):
        await failing(stage, model(retries=0))
    assert stage.breakers.state(model().deployment) == "open"


class Gated:
    """A provider that answers when `gate` opens."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked = 0

    async def complete(self, request: Request, model: Model) -> Result:
        self.asked += 1
        await self.gate.wait()
        return GOOD

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        self.asked += 1
        await self.gate.wait()
        for batch in spoken("aquí"):
            yield batch

    def carries(self, model: Model) -> frozenset[str]:
        return frozenset()

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize("streamed", [False, True])
async def test_of_a_crowd_one_probes_and_the_others_fail_fast(streamed: bool):
    stage, gated = Stage(Scripted()), Gated()
    stage.router._providers = {"openai_chat": gated}  # pyright: ignore[reportPrivateUsage]
    for _ in range(5):
        stage.breakers.failed(model().deployment)
    stage.clock.now += 15
    ask = stage.router.stream if streamed else stage.router.complete
    crowd = [asyncio.create_task(ask(ASK, route(model()))) for _ in range(50)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert gated.asked == 1
    gated.gate.set()
    results = await asyncio.gather(*crowd, return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(refused) == 49 and all(isinstance(error, CircuitOpen) for error in refused)
    assert stage.breakers.state(model().deployment) == "closed"
    for result in results:
        if streamed and not isinstance(result, BaseException):
            await result.value.aclose()  # type: ignore[union-attr]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_probe_whose_caller_leaves_lets_the_next_one_through(streamed: bool):
    stage, gated = Stage(Scripted()), Gated()
    stage.router._providers = {"openai_chat": gated}  # pyright: ignore[reportPrivateUsage]
    for _ in range(5):
        stage.breakers.failed(model().deployment)
    stage.clock.now += 15
    task = asyncio.create_task((stage.router.stream if streamed else stage.router.complete)(ASK, route(model())))  # type: ignore[arg-type]
    await eventually(lambda: gated.asked)
    task.cancel()
    await asyncio.wait([task])
    assert gated.asked == 1 and stage.breakers.enter(model().deployment) is Admission.PROBE


# --- streams ---


async def test_a_stream_is_asked_again_until_it_speaks():
    script = [[gone()], [[], CUT], spoken("aquí")]
    stage = Stage(Scripted(main=script))
    answered = await stage.router.stream(ASK, route(model()))
    said = [event async for batch in answered.value for event in batch]
    assert len(said) == 4 and stage.scripted.asked == ["main"] * 3 and stage.scripted.closed == 3


async def test_a_block_that_has_only_begun_is_no_content_yet():
    stage = Stage(Scripted(main=[[*broken(), CUT]], spare=[spoken("aquí")]))
    answered = await stage.router.stream(ASK, route(model(retries=0), model("spare")))
    assert answered.model.name == "spare"
    await answered.value.aclose()  # type: ignore[attr-defined]


async def test_after_the_first_word_a_failure_is_told_and_counted():
    stage = Stage(Scripted(main=[[*broken("aq"), gone()]] * 5))
    for _ in range(5):
        answered = await stage.router.stream(ASK, route(model(), model("spare")))
        with pytest.raises(UpstreamUnavailable):
            [batch async for batch in answered.value]
    assert stage.scripted.asked == ["main"] * 5
    stage.clock.now += 1
    assert stage.breakers.state(model().deployment) == "closed", "each began with a word"
