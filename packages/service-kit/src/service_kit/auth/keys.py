"""API keys: the listed ones with their roles, and how a key travels."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import cast

from service_kit.auth.principal import ROLES, Principal, Role

SUBPROTOCOL = "agent.v1"
"""The WebSocket subprotocol that a client offers beside `bearer.<base64url of its key>`."""

_BEARER_SUBPROTOCOL = "bearer."


SHORTEST_KEY = 6
"""Characters; a shorter key is a slip or a placeholder. How strong a longer one is, is its maker's affair."""


class KeyRing:
    """Authenticates the keys of a list, each with its roles.

    Keys are found by their SHA-256: of how far a wrong one agrees with a right one, the time taken tells nothing.
    """

    def __init__(self, keys: Iterable[tuple[str, frozenset[Role]]]) -> None:
        self._principals: dict[bytes, Principal] = {}
        for key, roles in keys:
            listed_before = self._principals.get(_digest(key))
            roles = roles | listed_before.roles if listed_before else roles
            self._principals[_digest(key)] = Principal(id=principal_of(key), roles=roles)

    def __bool__(self) -> bool:
        return bool(self._principals)

    async def authenticate(self, credential: str) -> Principal | None:
        return self._principals.get(_digest(credential))


def key_and_roles(entry: str) -> tuple[str, frozenset[Role]]:
    """The key and the roles that an entry of `API_KEYS` gives: `KEY`, `operator:KEY`, `trusted:KEY` or
    `operator+trusted:KEY`. Every key has the role `user`.

    Raises:
        ValueError: the key is too short; the message does not show it.
    """
    prefix, colon, rest = entry.partition(":")
    named = frozenset(prefix.split("+"))
    key, roles = (rest.strip(), named) if colon and named <= ROLES else (entry, frozenset())
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"each key needs at least {SHORTEST_KEY} characters; `openssl rand -hex 32` makes a good one")
    return key, cast("frozenset[Role]", roles | {"user"})


def principal_of(key: str) -> str:
    """The public short id of a key: 12 hexadecimal digits of its SHA-256."""
    return f"key_{_digest(key).hex()[:12]}"


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def from_authorization(value: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header (RFC 6750)."""
    scheme, _, token = (value or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def from_subprotocols(offered: Iterable[str]) -> str | None:
    """The key among the WebSocket subprotocols that a browser offers, since it cannot set a header."""
    for name in offered:
        if name.startswith(_BEARER_SUBPROTOCOL):
            return _decode(name.removeprefix(_BEARER_SUBPROTOCOL))
    return None


def to_subprotocol(key: str) -> str:
    """A key as a WebSocket subprotocol."""
    return _BEARER_SUBPROTOCOL + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(value: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
