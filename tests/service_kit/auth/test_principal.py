"""Principals: roles, and the end users whom they may name."""

from __future__ import annotations

import pytest
from service_kit.auth.principal import (
    ROLES,
    UNAUTHENTICATED,
    Principal,
    Role,
    open_principal,
    principal_in,
    require_role,
)
from service_kit.errors import ApiError

TRUSTED = Principal(id="key_1", roles=frozenset({"user", "trusted"}))


def scope_of(principal: Principal):
    return {"type": "http", "state": {"principal": principal}}


@pytest.mark.parametrize("claimed", [None, "", "   ", "ana"])
def test_the_word_of_a_plain_key_is_not_believed(claimed: str | None):
    assert Principal(id="key_1").end_user(claimed) is None
    assert UNAUTHENTICATED.end_user(claimed) is None


def test_a_trusted_keys_users_are_its_own():
    assert TRUSTED.end_user(" ana ") == "key_1/ana"
    assert TRUSTED.end_user("key_2/ana") == "key_1/key_2/ana"
    assert TRUSTED.end_user(" ") is None and TRUSTED.end_user(None) is None
    assert TRUSTED.end_user("x" * 9_999) == "key_1/" + "x" * 256


def test_callers_without_a_credential_name_their_users_plainly():
    assert open_principal(operator=False).end_user("ana") == "ana"


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_that_is_missing_is_told(role: Role):
    with pytest.raises(ApiError) as raised:
        require_role(scope_of(Principal(id="key_1", roles=ROLES - {role})), role)
    assert (raised.value.status, raised.value.code) == (403, f"{role}_required")
    assert raised.value.type == "permission_error"
    having = Principal(id="key_1", roles=frozenset({role}))
    assert require_role(scope_of(having), role) is having is principal_in(scope_of(having))
