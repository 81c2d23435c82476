"""The principal: which holder of a credential a request comes from, and what that holder may do."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec
from starlette.types import Scope

from service_kit.errors import ApiError

Role = Literal["user", "operator", "trusted"]
"""`user` calls models, tools and agents; `operator` also sees and changes what is everybody's; `trusted` speaks for
end users of its own, whom it names in `X-User-ID`."""

ROLES: frozenset[Role] = frozenset(get_args(Role))

ANONYMOUS = "anonymous"
"""The id of all callers whose credential was not asked for."""

_LONGEST_END_USER = 256


class KeyLimits(msgspec.Struct, frozen=True):
    """What one principal may use: requests and tokens in any minute, and calls at once; None is no limit."""

    rpm: int | None = None
    tpm: int | None = None
    max_parallel: int | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a credential.

    `id` is public, stable and says nothing of the credential. `models` are the names or patterns that it may use, None
    for all. `source` is what it was known by: `none` for a caller that showed nothing, `key` for an API key, `token`
    for an OAuth token, `page` for the token of a chat page.
    """

    id: str
    roles: frozenset[Role] = frozenset({"user"})
    models: tuple[str, ...] | None = None
    limits: KeyLimits = KeyLimits()
    team: str | None = None
    source: Literal["none", "key", "token", "page"] = "key"

    def end_user(self, claimed: str | None) -> str | None:
        """The end user that this principal says it calls for, or None where its word is not believed.

        The result is namespaced under the principal (`key_1a2b3c4d5e6f/ana`), so that no two keys share a user; only
        callers that showed no credential, who are all one principal, name theirs plainly.
        """
        claimed = (claimed or "").strip()[:_LONGEST_END_USER]
        if not claimed or "trusted" not in self.roles:
            return None
        return claimed if self.source == "none" else f"{self.id}/{claimed}"


UNAUTHENTICATED = Principal(id=ANONYMOUS, roles=frozenset(), source="none")
"""A caller of a path that needs no credential, in a service that asks for one elsewhere."""


def open_principal(*, operator: bool) -> Principal:
    """Every caller of a service that asks for no credential."""
    return Principal(id=ANONYMOUS, roles=ROLES if operator else ROLES - {"operator"}, source="none")


def principal_in(scope: Scope) -> Principal:
    """The principal of a request, as the edge has noted it."""
    return scope["state"]["principal"]


def require_role(scope: Scope, role: Role) -> Principal:
    """The request's principal.

    Raises:
        ApiError: 403 `operator_required` (or as the role is called), it has not that role.
    """
    principal = principal_in(scope)
    if role not in principal.roles:
        raise ApiError(403, f"{role}_required", f"This needs a key or a token with the role {role!r}.")
    return principal
