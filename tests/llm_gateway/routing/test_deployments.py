"""Which of several deployments is asked."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import Request, Result
from llm_gateway.catalog.models import Model
from llm_gateway.catalog.pricing import FREE
from llm_gateway.errors import InvalidRequest, UpstreamUnavailable
from llm_gateway.routing.balance import Balancer
from msgspec.structs import replace

from tests.llm_gateway import values
from tests.llm_gateway.routing.stage import ASK, Clock, Scripted, Stage, model, route, several, spoken

GOOD = values.said("aquí")


def chosen(balancer: Balancer, times: int, weights: tuple[float, ...], **changes: str) -> list[str]:
    ids = [f"d{number}" for number in range(len(weights))]
    candidates = several(*ids, weights=weights, **changes).deployments
    return [balancer.choose(candidates, streamed=False).id for _ in range(times)]


def test_weights_are_kept_to():
    balancer = Balancer(random.Random(7).random)
    found = chosen(balancer, 6000, (3, 2, 1))
    assert [found.count(f"d{n}") / 1000 for n in range(3)] == pytest.approx([3, 2, 1], abs=0.15)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=6), st.floats(0, 1, exclude_max=True))
def test_every_number_means_somebody(weights: list[float], drawn: float):
    [found] = chosen(Balancer(lambda: drawn), 1, tuple(weights))
    assert found in {f"d{number}" for number in range(len(weights))}


def test_each_is_reached_at_its_share_of_the_numbers():
    draws = iter([0.0, 0.2499, 0.25, 0.9999])
    assert chosen(Balancer(lambda: next(draws)), 4, (1, 3)) == ["d0", "d0", "d1", "d1"]


def test_the_fastest_is_asked_but_not_always():
    numbers = random.Random(3)
    balancer = Balancer(numbers.random)
    slow, fast = several("slow", "fast", strategy="least_latency").deployments
    asked = [balancer.choose((slow, fast), streamed=False).id for _ in range(10)]
    assert set(asked) == {"slow", "fast"}, "nothing is known yet"
    balancer.took(slow, 2.0, streamed=False)
    assert balancer.choose((slow, fast), streamed=False).id == "fast", "the unknown one is tried"
    balancer.took(fast, 0.5, streamed=False)
    found = [balancer.choose((slow, fast), streamed=False).id for _ in range(1000)]
    assert 5 < found.count("slow") < 60
    assert {balancer.choose((slow, fast), streamed=True).id for _ in range(50)} == {"slow", "fast"}, (
        "how long a whole answer takes says nothing about a first word"
    )


def test_latency_is_an_average_that_moves():
    balancer = Balancer(lambda: 0.5)
    one = model(strategy="least_latency")
    for seconds in (1.0, 2.0):
        balancer.took(one, seconds, streamed=True)
    assert balancer.latency(one, streamed=True) == pytest.approx(1.3)
    assert balancer.latency(one, streamed=False) is None


class Slow(Scripted):
    """Takes two seconds for `slow`, a tenth for others."""

    clock: Clock

    async def complete(self, request: Request, model: Model) -> Result:
        await self.clock.sleep(2.0 if model.id == "slow" else 0.1)
        return await super().complete(request, model)


async def test_the_faster_of_two_gets_the_traffic():
    scripted = Slow(slow=[GOOD] * 100, fast=[GOOD] * 100)
    stage = Stage(scripted)
    scripted.clock = stage.clock
    both = several("slow", "fast", strategy="least_latency")
    for _ in range(50):
        await stage.router.complete(ASK, route(both))
    assert stage.scripted.asked.count("slow") == 1


async def test_the_answer_names_the_deployment():
    stage = Stage(Scripted(one=[[UpstreamUnavailable("500")]], two=[spoken("aquí")]), draw=lambda: 0.0)
    answered = await stage.router.stream(ASK, route(several("one", "two", rates=FREE)))
    assert (answered.model.name, answered.model.id, answered.model.rates) == ("main", "two", FREE)
    await answered.value.aclose()  # type: ignore[attr-defined]


async def test_a_deployment_that_lacks_something_is_passed_over():
    both = several("one", "two")
    one, two = both.deployments
    lacking = replace(one, lacks=("seed",))
    mixed = replace(both, deployments=(lacking, two))
    stage = Stage(Scripted(one=[GOOD], two=[GOOD, GOOD]), draw=lambda: 0.0)
    seeded = replace(ASK, seed=7)
    for _ in range(2):
        assert (await stage.router.complete(seeded, route(mixed))).model.id == "two"
    assert (await stage.router.complete(ASK, route(mixed))).model.id == "one"
    neither = replace(both, deployments=(lacking, replace(lacking, id="two")))
    with pytest.raises(InvalidRequest) as caught:
        await stage.router.complete(seeded, route(neither, model("spare")))
    assert caught.value.param == "seed"
