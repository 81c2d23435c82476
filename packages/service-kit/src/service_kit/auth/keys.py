"""API keys: the listed keys with their roles, and the headers and subprotocols that carry a key."""

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
"""In characters. A shorter key is a mistake or a placeholder; the strength of a longer one is not judged."""


class KeyRing:
    """Authenticates the keys of a list, each with its roles.

    Keys are looked up by their SHA-256, so that the time of a lookup does not reveal how much of a wrong key is right.
    A key that is listed twice has the roles of both entries.
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
        """Returns the key's principal, or None if the key is not listed."""
        return self._principals.get(_digest(credential))


def key_and_roles(entry: str) -> tuple[str, frozenset[Role]]:
    """Returns the key and the roles of an entry of `API_KEYS`: `KEY`, `operator:KEY`, `trusted:KEY` or
    `operator+trusted:KEY`. Every key has the role `user`. What stands before the first colon are roles: a key that has
    a colon itself is written `user:KEY`.

    Raises:
        ValueError: a role is not known, the key is too short, or no header can carry it; the message contains nothing
            of the entry.
    """
    prefix, colon, rest = entry.partition(":")
    named = frozenset(prefix.split("+")) if colon else frozenset[str]()
    key = rest.strip() if colon else entry
    if not named <= ROLES:
        raise ValueError(
            f"before a colon stand roles: {', '.join(sorted(ROLES))}, joined by +; a key that has a colon itself is "
            "written user:KEY"
        )
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"each key needs at least {SHORTEST_KEY} characters; `openssl rand -hex 32` makes a good one")
    check_key(key)
    return key, cast("frozenset[Role]", named | {"user"})


def check_key(key: str) -> None:
    """Checks that callers can send `key`: visible characters without spaces.

    Raises:
        ValueError: it has others; the message does not contain it.
    """
    if not key.isprintable() or " " in key:
        raise ValueError("a key is made of visible characters, without spaces")


def principal_of(key: str) -> str:
    """Returns the public id of a key: `key_` and 12 hexadecimal digits of its SHA-256."""
    return f"key_{_digest(key).hex()[:12]}"


def same(one: str, other: str) -> bool:
    """Returns whether two secrets are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def from_authorization(value: str | None) -> str | None:
    """Returns the token of an `Authorization: Bearer` header (RFC 6750), or None if the header holds none."""
    scheme, _, token = (value or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def from_subprotocols(offered: Iterable[str]) -> str | None:
    """Returns the key among the WebSocket subprotocols that a client offers, or None. Browsers send a key this way
    because they cannot set headers on a WebSocket."""
    for name in offered:
        if name.startswith(_BEARER_SUBPROTOCOL):
            return _decode(name.removeprefix(_BEARER_SUBPROTOCOL))
    return None


def to_subprotocol(key: str) -> str:
    """Returns `key` as a WebSocket subprotocol, `bearer.<base64url of the key>`."""
    return _BEARER_SUBPROTOCOL + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(value: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
