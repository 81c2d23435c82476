from __future__ import annotations

from llm_gateway.breakers import Breakers


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def failing(times: int) -> tuple[Breakers, Clock]:
    clock = Clock()
    breakers = Breakers(clock)
    for _ in range(times):
        breakers.failed("openai")
    return breakers, clock


def test_five_failures_in_a_row_open_it():
    assert failing(4)[0].state("openai") == "closed"
    assert failing(5)[0].state("openai") == "open"


def test_one_provider_does_not_open_anothers():
    assert failing(5)[0].state("azure") == "closed"


def test_a_success_closes_it_and_forgets():
    breakers, _ = failing(5)
    breakers.succeeded("openai")
    assert breakers.state("openai") == "closed"
    for _ in range(4):
        breakers.failed("openai")
    assert breakers.state("openai") == "closed"


def test_after_a_while_it_may_be_tried_again():
    breakers, clock = failing(5)
    clock.now = 14.9
    assert breakers.state("openai") == "open"
    clock.now = 15.0
    assert breakers.state("openai") == "half_open"
    breakers.failed("openai")
    assert breakers.state("openai") == "open"
    clock.now = 29.9
    assert breakers.state("openai") == "open"
