"""What a token's claims say of its subject: roles and team."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from service_kit.auth.principal import Principal, Role

_LONGEST_TEAM = 256


class Claims:
    """Maps the claims of a verified token to a principal.

    `roles_claim` holds words (a list, or separated by spaces); one of `operator_roles` among them makes an operator.
    `team_claim` holds the team's name. A claim is named as it stands in the token (`roles`,
    `https://example.com/roles`), or by its path (`realm_access.roles`).
    """

    def __init__(self, *, roles_claim: str, operator_roles: Iterable[str], team_claim: str | None) -> None:
        self._roles_claim = roles_claim
        self._operator_roles = frozenset(operator_roles)
        self._team_claim = team_claim

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """The subject of `claims`, which hold `iss` and `sub`."""
        subject = f"{claims['iss']}\n{claims['sub']}"
        is_operator = bool(self._operator_roles & _words(_claim(claims, self._roles_claim)))
        roles: frozenset[Role] = frozenset({"user", "operator"} if is_operator else {"user"})
        team = _claim(claims, self._team_claim) if self._team_claim else None
        return Principal(
            id=f"sub_{hashlib.sha256(subject.encode()).hexdigest()[:12]}",
            roles=roles,
            team=team[:_LONGEST_TEAM] if isinstance(team, str) and team else None,
            source="token",
        )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _words(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, list) else frozenset()
