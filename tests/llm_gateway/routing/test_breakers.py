"""When a deployment is left alone, for how long, and how it comes back."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.routing.breakers import Admission, Breakers, Deployment, Rules

OPENAI: Deployment = ("openai", "https://api.test/v1", "gpt-4o")
MINI: Deployment = ("openai", "https://api.test/v1", "gpt-4o-mini")
AZURE: Deployment = ("azure", "https://azure.test", "gpt-4o")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def failing(times: int, rules: Rules | None = None) -> tuple[Breakers, Clock]:
    clock = Clock()
    breakers = Breakers(clock, rules)
    for _ in range(times):
        breakers.failed(OPENAI)
    return breakers, clock


def test_five_failures_in_a_row_open_it():
    assert failing(4)[0].state(OPENAI) == "closed"
    breakers, _ = failing(5)
    assert breakers.state(OPENAI) == "open"
    assert breakers.enter(OPENAI) is Admission.REFUSED
    assert (breakers.pause(OPENAI).seconds, breakers.pause(OPENAI).cooling) == (15.0, False)


@pytest.mark.parametrize("other", [MINI, AZURE, ("openai", "https://elsewhere.test", "gpt-4o")])
def test_one_deployment_does_not_open_anothers(other: Deployment):
    breakers, _ = failing(5)
    assert breakers.state(other) == "closed" and breakers.enter(other) is Admission.NORMAL


def test_a_success_between_failures_starts_the_row_again():
    breakers, _ = failing(4)
    breakers.succeeded(OPENAI)
    for _ in range(4):
        breakers.failed(OPENAI)
    assert breakers.state(OPENAI) == "closed"


def test_half_of_many_failures_open_it_too():
    breakers, _ = failing(0)
    for _ in range(9):
        breakers.failed(OPENAI)
        breakers.succeeded(OPENAI)
    assert breakers.state(OPENAI) == "closed", "eighteen calls are not many"
    breakers.failed(OPENAI)
    breakers.succeeded(OPENAI)
    breakers.failed(OPENAI)
    assert breakers.state(OPENAI) == "open"


def test_failures_of_long_ago_do_not_count():
    breakers, clock = failing(0)
    for _ in range(60):
        breakers.failed(OPENAI)
        breakers.succeeded(OPENAI)
        clock.now += 4
    assert breakers.state(OPENAI) == "closed"


def test_after_a_while_one_probe_goes_through_at_a_time():
    breakers, clock = failing(5)
    clock.now += 14.9
    assert breakers.enter(OPENAI) is Admission.REFUSED
    clock.now += 0.1
    assert breakers.state(OPENAI) == "half_open"
    assert [breakers.enter(OPENAI) for _ in range(3)] == [Admission.PROBE, Admission.REFUSED, Admission.REFUSED]
    breakers.failed(OPENAI, Admission.PROBE)
    assert breakers.state(OPENAI) == "open"
    clock.now += 15
    assert breakers.enter(OPENAI) is Admission.PROBE
    breakers.succeeded(OPENAI, Admission.PROBE)
    assert breakers.state(OPENAI) == "closed"
    assert [breakers.enter(OPENAI) for _ in range(3)] == [Admission.NORMAL] * 3


def test_a_probe_that_was_given_up_lets_the_next_one_through():
    breakers, clock = failing(5)
    clock.now += 15
    assert breakers.enter(OPENAI) is Admission.PROBE
    breakers.left(OPENAI, Admission.PROBE)
    assert breakers.state(OPENAI) == "half_open" and breakers.enter(OPENAI) is Admission.PROBE


def test_what_was_asked_before_it_opened_changes_nothing():
    breakers, clock = failing(5)
    clock.now += 10
    breakers.succeeded(OPENAI)
    breakers.failed(OPENAI)
    assert breakers.pause(OPENAI).seconds == 5
    clock.now += 5
    assert breakers.enter(OPENAI) is Admission.PROBE
    breakers.succeeded(OPENAI)
    breakers.left(OPENAI, Admission.NORMAL)
    assert breakers.enter(OPENAI) is Admission.REFUSED, "the probe is still on its way"


def test_a_cool_down_lasts_as_long_as_was_asked_for():
    breakers, clock = failing(0)
    breakers.cool_down(OPENAI, 7)
    breakers.cool_down(OPENAI, 2)
    assert breakers.state(OPENAI) == "open" and breakers.pause(OPENAI) == type(breakers.pause(OPENAI))(7, True)
    clock.now += 6.999
    breakers.succeeded(OPENAI)
    assert breakers.enter(OPENAI) is Admission.REFUSED, "a success of another call does not shorten it"
    clock.now += 0.002
    assert breakers.state(OPENAI) == "closed"
    assert [breakers.enter(OPENAI) for _ in range(3)] == [Admission.NORMAL] * 3, "it said when: nobody need try first"


def test_a_longer_cool_down_outlasts_an_open_circuit():
    breakers, clock = failing(5)
    breakers.cool_down(OPENAI, 40)
    assert breakers.pause(OPENAI).cooling
    clock.now += 15
    assert breakers.enter(OPENAI) is Admission.REFUSED and breakers.state(OPENAI) == "open"
    clock.now += 25
    assert breakers.enter(OPENAI) is Admission.PROBE


def test_a_probes_success_does_not_end_a_cool_down():
    breakers, clock = failing(5)
    clock.now += 15
    assert breakers.enter(OPENAI) is Admission.PROBE
    breakers.cool_down(OPENAI, 3)
    breakers.succeeded(OPENAI, Admission.PROBE)
    assert breakers.enter(OPENAI) is Admission.REFUSED
    clock.now += 3
    assert breakers.enter(OPENAI) is Admission.NORMAL


def test_the_table_does_not_grow_without_end():
    breakers, clock = failing(0)
    for number in range(6000):
        breakers.failed(("openai", "https://api.test/v1", f"made-up-{number}"))
        clock.now += 0.001
    assert sum(1 for _ in breakers.reports()) == 0 and len(breakers._circuits) <= 4096  # pyright: ignore[reportPrivateUsage]


def test_the_healthy_are_forgotten():
    breakers, clock = failing(1)
    clock.now += 31
    breakers.succeeded(OPENAI)
    assert not breakers._circuits  # pyright: ignore[reportPrivateUsage]


def test_a_provider_is_as_well_as_its_worst_deployment():
    breakers, clock = failing(5)
    clock.now += 15
    for _ in range(5):
        breakers.failed(MINI)
    breakers.cool_down(AZURE, 3)
    assert breakers.providers() == {"openai": "open", "azure": "open"}
    clock.now += 15
    assert breakers.providers() == {"openai": "half_open"}
    reports = {report.deployment: report for report in breakers.reports()}
    assert set(reports) == {OPENAI, MINI} and reports[MINI].retry_in == 0


async def test_of_many_who_ask_at_once_one_is_the_probe():
    breakers, clock = failing(5)
    clock.now += 15
    asked: list[int] = []

    async def ask(number: int) -> None:
        await asyncio.sleep(0)
        admission = breakers.enter(OPENAI)
        if admission is Admission.REFUSED:
            return
        asked.append(number)
        await asyncio.sleep(0.01)
        breakers.succeeded(OPENAI, admission)

    await asyncio.gather(*(ask(number) for number in range(200)))
    assert len(asked) == 1
    await asyncio.gather(*(ask(number) for number in range(10)))
    assert len(asked) == 11


_steps = st.lists(
    st.sampled_from(["enter", "succeed", "fail", "leave", "cool", "wait"]) | st.integers(1, 20), max_size=60
)


@given(_steps)
def test_whatever_happens_there_is_never_more_than_one_probe(steps: list[str | int]):
    clock = Clock()
    breakers = Breakers(clock, Rules(failures=2, open=5))
    running: list[Admission] = []
    for step in steps:
        if isinstance(step, int):
            clock.now += step
        elif step == "enter":
            admission = breakers.enter(OPENAI)
            if admission is not Admission.REFUSED:
                running.append(admission)
        elif step == "cool":
            breakers.cool_down(OPENAI, 3)
        elif running:
            admission = running.pop()
            if step == "succeed":
                breakers.succeeded(OPENAI, admission)
            elif step == "fail":
                breakers.failed(OPENAI, admission)
            else:
                breakers.left(OPENAI, admission)
        assert running.count(Admission.PROBE) <= 1
    for admission in running:
        breakers.left(OPENAI, admission)
    clock.now += 100
    assert breakers.enter(OPENAI) is not Admission.REFUSED, "nobody is locked out for ever"


# --- pauses: served, and far too long ---


def test_an_attempt_that_served_its_pause_is_let_in_though_its_timer_fired_early():
    breakers, clock = failing(0)
    breakers.cool_down(OPENAI, 1.0)
    clock.now += 0.9991
    assert breakers.enter(OPENAI) is Admission.REFUSED
    assert breakers.enter(OPENAI, served=1.0) is Admission.NORMAL


def test_the_answers_to_other_requests_move_the_end_of_a_pause_but_not_who_served_it():
    breakers, clock = failing(0)
    breakers.cool_down(OPENAI, 1.0)
    clock.now += 0.2
    breakers.cool_down(OPENAI, 1.0)
    clock.now += 0.8
    assert breakers.enter(OPENAI, served=1.0) is Admission.NORMAL
    breakers.cool_down(OPENAI, 60.0)
    assert breakers.enter(OPENAI, served=1.0) is Admission.REFUSED, "a longer pause was asked for meanwhile"


def test_no_header_takes_a_deployment_away_for_hours():
    breakers, clock = failing(0)
    breakers.cool_down(OPENAI, 86_400)
    assert breakers.pause(OPENAI) == type(breakers.pause(OPENAI))(300, True)
    clock.now += 300
    assert [breakers.enter(OPENAI) for _ in range(2)] == [Admission.PROBE, Admission.REFUSED]
    breakers.cool_down(OPENAI, 86_400)
    breakers.left(OPENAI, Admission.PROBE)
    assert breakers.enter(OPENAI) is Admission.REFUSED and breakers.pause(OPENAI).seconds == 300
    clock.now += 300
    assert breakers.enter(OPENAI) is Admission.PROBE
    breakers.succeeded(OPENAI, Admission.PROBE)
    assert breakers.enter(OPENAI) is Admission.NORMAL
