"""Effort and budget: two ways to say the same wish."""

from __future__ import annotations

import pytest
from llm_gateway.dialects.common.reasoning_effort import LEAST_BUDGET, budget_of, effort_of
from llm_gateway.errors import InvalidRequest

WORDS = ("minimal", "low", "medium", "high", "xhigh")


@pytest.mark.parametrize("max_tokens", [None, 8_000, 64_000, 1_000_000])
def test_more_effort_is_never_a_smaller_budget(max_tokens: int | None):
    budgets = [budget_of(word, max_tokens) for word in WORDS]
    assert budgets == sorted(budgets) and budgets[0] >= LEAST_BUDGET
    assert max_tokens is None or budgets[-1] < max_tokens


def test_shares_of_the_longest_answer():
    assert [budget_of(word, 20_000) for word in WORDS] == [2_000, 4_000, 10_000, 16_000, 19_000]
    assert budget_of("high", 100) == LEAST_BUDGET and budget_of("xhigh", 10**6) == 128_000


def test_none_is_no_budget_and_back():
    assert budget_of("none", 8_000) == 0 and effort_of(0) == "none"


@pytest.mark.parametrize(
    ("budget", "word"), [(1, "low"), (4_096, "low"), (4_097, "medium"), (16_384, "medium"), (16_385, "high")]
)
def test_the_word_for_a_budget(budget: int, word: str):
    assert effort_of(budget) == word


def test_an_unknown_word_is_refused_by_name():
    with pytest.raises(InvalidRequest) as caught:
        budget_of("enormous", None)
    assert caught.value.param == "reasoning_effort"
