"""What a token's claims make of its subject."""

from __future__ import annotations

from typing import Any

import pytest
from service_kit.auth.claims import Claims

BASE = {"iss": "https://issuer.example", "sub": "ana"}


def principal(claims: dict[str, Any], roles_claim: str = "roles", team_claim: str | None = "team"):
    mapped = Claims(roles_claim=roles_claim, operator_roles=("admin", "ops"), team_claim=team_claim)
    return mapped.principal({**BASE, **claims})


@pytest.mark.parametrize(
    ("claims", "roles_claim", "operator"),
    [
        ({"roles": ["reader", "ops"]}, "roles", True),
        ({"roles": "reader admin"}, "roles", True),
        ({"realm_access": {"roles": ["admin"]}}, "realm_access.roles", True),
        ({"https://x.example/roles": ["admin"]}, "https://x.example/roles", True),
        ({"roles": ["reader"]}, "roles", False),
        ({"roles": ["administrator", "Admin"]}, "roles", False),
        ({"roles": [["admin"], {"admin": 1}, None, 7]}, "roles", False),
        ({"roles": {"admin": True}}, "roles", False),
        ({"roles": None}, "roles", False),
        ({"groups": ["admin"]}, "roles", False),
        ({"realm_access": "admin"}, "realm_access.roles", False),
    ],
)
def test_an_operator_is_one_whose_claim_says_so(claims: dict[str, Any], roles_claim: str, operator: bool):
    found = principal(claims, roles_claim)
    assert found.roles == ({"user", "operator"} if operator else {"user"})
    assert found.source == "token"


def test_without_a_setting_no_claim_makes_an_operator():
    mapped = Claims(roles_claim="roles", operator_roles=(), team_claim=None)
    assert mapped.principal({**BASE, "roles": ["operator", "admin", ""]}).roles == {"user"}


@pytest.mark.parametrize(
    ("team", "expected"), [("red", "red"), ("", None), (7, None), (["red"], None), (None, None), ("x" * 999, "x" * 256)]
)
def test_the_team(team: Any, expected: str | None):
    assert principal({"team": team}).team == expected


def test_a_subject_is_its_issuers():
    ana = principal({})
    assert ana.id == principal({"roles": ["admin"], "team": "x"}).id
    assert ana.id != principal({"sub": "eva"}).id != principal({"iss": "https://other.example"}).id
    assert "ana" not in ana.id
