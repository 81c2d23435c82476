"""Shares: an owner alone may hold everything, and none pushes out another."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit.limits.shares import Shares


def test_an_owner_alone_may_take_all_and_then_no_more():
    shares = Shares(3)
    for _ in range(3):
        assert shares.may_take("ana")
        shares.take("ana")
    assert not shares.may_take("ana")
    assert shares.gives_way("ana") and shares.largest() == "ana"


def test_when_one_holds_all_every_other_still_gets_an_equal_share():
    shares = Shares(6)
    shares.take("bob", 6)
    assert not shares.may_take("bob")
    for _ in range(3):
        assert shares.may_take("ana")
        shares.take("ana")
    assert not shares.may_take("ana"), "half of six"
    assert shares.may_take("eva") and shares.equal_share("eva") == 2
    assert shares.gives_way("bob") and not shares.gives_way("eva")
    shares.give_back("bob", 6)
    assert shares.may_take("ana") and shares.largest() == "ana" and len(shares) == 1


def test_every_owner_gets_one_however_many_there_are():
    shares = Shares(2)
    for number in range(10):
        assert shares.may_take(f"o{number}")
        shares.take(f"o{number}")
        assert not shares.may_take(f"o{number}") or shares.sum < shares.total


def test_what_is_held_for_a_block_is_given_back():
    shares = Shares(1)
    with pytest.raises(KeyError), shares.holding("ana"):
        assert shares.held("ana") == 1
        raise KeyError
    assert (shares.held("ana"), shares.sum, shares.largest()) == (0, 0, None)
    assert not shares.gives_way("ana")


@given(st.integers(1, 20), st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=200))
def test_what_is_held_in_all_is_bounded_and_no_owner_is_shut_out(total: int, acts: list[tuple[str, bool]]):
    shares = Shares(total)
    model: dict[str, int] = {}
    seen: set[str] = set()
    for owner, takes in acts:
        if takes and shares.may_take(owner):
            shares.take(owner)
            model[owner] = model.get(owner, 0) + 1
            seen.add(owner)
        elif not takes and model.get(owner):
            shares.give_back(owner)
            model[owner] -= 1
        assert {name: shares.held(name) for name in model} == model and shares.sum == sum(model.values())
        assert shares.sum <= total * (1 + math.log(max(1, len(seen)))) + len(seen)
        assert all(shares.may_take(name) for name in "abcdefgh" if not model.get(name))
