"""The principal of a request: the holder of its credential, with roles and limits."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec
from starlette.types import Scope

from service_kit.errors import ApiError

Role = Literal["user", "operator", "trusted"]
"""`user` may call models, tools and agents. `operator` may also see and change what belongs to all callers. `trusted`
may name an end user of its own in `X-User-ID`."""

ROLES: frozenset[Role] = frozenset(get_args(Role))

ANONYMOUS = "anonymous"
"""The id of every caller that was not asked for a credential."""

_LONGEST_END_USER = 256


class KeyLimits(msgspec.Struct, frozen=True):
    """The limits of one principal: requests per minute, tokens per minute, and calls in parallel. None means no
    limit."""

    rpm: int | None = None
    tpm: int | None = None
    max_parallel: int | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a credential.

    `id` is public and stable, and reveals nothing of the credential. `models` are the names or patterns of the models
    that it may use, None for all. `source` is the kind of its credential: `none` for a caller without one, `key` for an
    API key, `token` for an OAuth token, `page` for the token of a chat page.
    """

    id: str
    roles: frozenset[Role] = frozenset({"user"})
    models: tuple[str, ...] | None = None
    limits: KeyLimits = KeyLimits()
    team: str | None = None
    source: Literal["none", "key", "token", "page"] = "key"

    def end_user(self, claimed: str | None) -> str | None:
        """Returns the end user that `claimed` names, or None if this principal may not name one.

        Only a `trusted` principal may. The result is prefixed with the principal's id (`key_1a2b3c4d5e6f/ana`), so that
        two keys never share an end user; callers without a credential are all one principal, and theirs has no prefix.
        At most 256 characters of `claimed` are kept.
        """
        claimed = (claimed or "").strip()[:_LONGEST_END_USER]
        if not claimed or "trusted" not in self.roles:
            return None
        return claimed if self.source == "none" else f"{self.id}/{claimed}"


UNAUTHENTICATED = Principal(id=ANONYMOUS, roles=frozenset(), source="none")
"""The principal of a request to a public path of a service that asks for credentials elsewhere."""


def open_principal(*, operator: bool) -> Principal:
    """Returns the principal of every caller of a service that asks for no credential."""
    return Principal(id=ANONYMOUS, roles=ROLES if operator else ROLES - {"operator"}, source="none")


def principal_in(scope: Scope) -> Principal:
    """Returns the request's principal, which the edge has put into the ASGI `scope`."""
    return scope["state"]["principal"]


def require_role(scope: Scope, role: Role) -> Principal:
    """Returns the request's principal, if it has `role`.

    Raises:
        ApiError: 403 with the code `operator_required`, or that of another role: the principal does not have the role.
    """
    principal = principal_in(scope)
    if role not in principal.roles:
        raise ApiError(403, f"{role}_required", f"This needs a key or a token with the role {role!r}.")
    return principal
