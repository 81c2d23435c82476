"""Listed API keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit.auth.keys import (
    SHORTEST_KEY,
    KeyRing,
    from_authorization,
    from_subprotocols,
    key_and_roles,
    principal_of,
    same,
    to_subprotocol,
)
from service_kit.auth.principal import Principal, Role

USER: frozenset[Role] = frozenset({"user"})
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


LISTED = st.text(st.characters(codec="utf-8"), min_size=SHORTEST_KEY)


@given(st.lists(LISTED, unique=True, min_size=1, max_size=5), LISTED)
async def test_a_ring_knows_its_keys_and_no_other(keys: list[str], other: str):
    ring = KeyRing((key, USER) for key in keys)
    for key in keys:
        assert await ring.authenticate(key) == Principal(id=principal_of(key))
    assert (await ring.authenticate(other) is not None) == (other in keys)


@pytest.mark.parametrize(
    ("entry", "key", "roles"),
    [
        ("one-key", "one-key", {"user"}),
        ("user:one-key", "one-key", {"user"}),
        ("operator:one-key", "one-key", {"user", "operator"}),
        ("trusted:one-key", "one-key", {"user", "trusted"}),
        ("operator+trusted: one-key", "one-key", {"user", "operator", "trusted"}),
        ("operator:operator:one-key", "operator:one-key", {"user", "operator"}),
        ("user:sk:one:key", "sk:one:key", {"user"}),
        ("clave-ñ", "clave-ñ", {"user"}),
    ],
)
def test_an_entry_may_name_roles(entry: str, key: str, roles: set[str]):
    assert key_and_roles(entry) == (key, roles)


@pytest.mark.parametrize(
    "entry",
    [
        "oprator:one-key",
        "admin:one-key",
        "OPERATOR:one-key",
        ":one-key",
        "operator+:one-key",
        "sk-a:bcdef",
        "a+b:12345",
    ],
)
def test_what_stands_before_a_colon_must_be_roles(entry: str):
    with pytest.raises(ValueError, match="operator, trusted, user, joined by") as raised:
        key_and_roles(entry)
    assert not any(part in str(raised.value) for part in (entry, "one-key", "sk-a", "bcdef", "oprator", "12345"))


@pytest.mark.parametrize("entry", ["!", "12345", "operator:", "operator:k", "trusted: 12345"])
def test_a_key_that_is_too_short_is_refused_and_not_shown(entry: str):
    with pytest.raises(ValueError, match="at least 6 characters") as raised:
        key_and_roles(entry)
    assert entry not in str(raised.value)


async def test_a_key_that_is_listed_twice_has_all_its_roles():
    ring = KeyRing([("one-key", USER), ("one-key", frozenset({"user", "operator"}))])
    found = await ring.authenticate("one-key")
    assert found is not None and found.roles == {"user", "operator"}


def test_a_principal_says_nothing_of_its_key():
    assert principal_of("hunter2") == "key_f52fbd32b2b3"  # the start of its SHA-256
    assert principal_of("hunter2") != principal_of("hunter3")


@given(KEY, KEY)
def test_same(one: str, other: str):
    assert same(one, one)
    assert same(one, other) == (one == other)
