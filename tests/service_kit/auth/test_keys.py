"""Static API keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit.auth.keys import KeyRing, from_authorization, from_subprotocols, principal_of, same, to_subprotocol

KEY = st.text(st.characters(codec="utf-8"), min_size=1)


@given(KEY)
def test_a_key_survives_its_subprotocol(key: str):
    offered = to_subprotocol(key)
    assert from_subprotocols(["agent.v1", offered]) == key
    assert offered.removeprefix("bearer.").replace("-", "").replace("_", "").isalnum()  # an HTTP token


@given(st.lists(st.text()))
def test_no_offer_breaks_it(offered: list[str]):
    from_subprotocols(offered)
    from_subprotocols(f"bearer.{item}" for item in offered)


@pytest.mark.parametrize("offered", [[], ["agent.v1"], ["bearer.%%%"], ["bearer._w"], ["Bearer.YQ"]])
def test_an_offer_without_a_key(offered: list[str]):
    assert not from_subprotocols(offered)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER   abc ", "abc"), ("Bearer a b", "a b"),
        ("Basic abc", None), ("Bearer", None), ("Bearer ", None), ("abc", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_the_authorization_header(header: str | None, key: str | None):
    assert from_authorization(header) == key


@given(st.lists(KEY, unique=True, min_size=1, max_size=5), KEY)
def test_a_ring_knows_its_keys_and_no_other(keys: list[str], other: str):
    ring = KeyRing(keys)
    assert [ring.principal(key) for key in keys] == [principal_of(key) for key in keys]
    assert (ring.principal(other) is not None) == (other in keys)


def test_a_principal_says_nothing_of_its_key():
    assert principal_of("hunter2") == "key_f52fbd32b2b3"  # the start of its SHA-256
    assert principal_of("hunter2") != principal_of("hunter3")


@given(KEY, KEY)
def test_same(one: str, other: str):
    assert same(one, one)
    assert same(one, other) == (one == other)
