"""Static API keys: who may call, and how a key travels."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Protocol

SUBPROTOCOL = "agent.v1"
"""The WebSocket subprotocol that a client offers beside `bearer.<base64url of its key>`."""

_BEARER_SUBPROTOCOL = "bearer."


class Keys(Protocol):
    """Knows whose a key is; whatever else than API keys may be sent as a bearer token can stand behind this."""

    def principal(self, key: str) -> str | None:
        """The short id of the key's holder, or None for a key that is not known.

        Raises:
            ApiError: the key is known and does not suffice, or cannot be checked now.
        """
        ...


class KeyRing:
    """The keys that are let in. A principal is a key's public short id, never the key."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._principals = {_digest(key): principal_of(key) for key in keys}

    def principal(self, key: str) -> str | None:
        """Whose key this is, or None. Keys are compared by their hash, so that time tells nothing."""
        return self._principals.get(_digest(key))


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
