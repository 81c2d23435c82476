"""Whose bearer token it is: a JWT of our issuer, meant for us, that has not expired (RFC 7519, RFC 9068)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import jwt

from service_kit.auth.claims import Claims
from service_kit.auth.issuer_keys import IssuerKeys
from service_kit.auth.principal import Principal
from service_kit.auth.resource import INSUFFICIENT_SCOPE
from service_kit.errors import ApiError

_LEEWAY_SECONDS = 30
_LONGEST_TOKEN = 16_384
_REMEMBERED = 1000
_REMEMBERED_SECONDS = 300.0


class Tokens:
    """Authenticates tokens of one issuer that are meant for one of our `audiences` and have all of `scopes`.

    A token that was good is remembered for some minutes, so that its signature is not checked at each request.
    """

    def __init__(
        self, keys: IssuerKeys, *, issuer: str, audiences: Sequence[str], scopes: Sequence[str], claims: Claims
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audiences = tuple(audiences)
        self._scopes = scopes
        self._claims_map = claims
        self._good: dict[bytes, tuple[Principal, float]] = {}

    async def authenticate(self, credential: str) -> Principal | None:
        """The token's subject, or None for what is no good token of the issuer.

        Raises:
            ApiError: 403, the token lacks a scope; 503, the issuer's keys are not here yet.
        """
        if credential.count(".") != 2 or len(credential) > _LONGEST_TOKEN or not credential.isascii():
            return None
        digest = hashlib.sha256(credential.encode()).digest()
        known = self._good.get(digest)
        if known is not None and time.time() < known[1]:
            return known[0]
        claims = self._verified(credential)
        if claims is None:
            return None
        self._check_scopes(claims)
        return self._remembered(digest, claims)

    def _verified(self, token: str) -> dict[str, Any] | None:
        try:
            header = jwt.get_unverified_header(token)
            public = self._keys.get(header.get("kid"))
            if public is None:
                return self._unknown_key()
            if header.get("alg") not in public.algorithms:
                return None
            return jwt.decode(
                token,
                public.key,
                algorithms=[header["alg"]],
                issuer=self._issuer,
                audience=self._audiences,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None

    def _unknown_key(self) -> None:
        # A new key may have been published since: its first token is not refused, which would send a person to log in.
        if self._keys.fetch_soon():
            raise ApiError(503, "issuer_keys_unavailable", "The issuer's keys are being fetched; try again.")

    def _check_scopes(self, claims: dict[str, Any]) -> None:
        given = claims.get("scope", claims.get("scp", ""))
        given = given.split() if isinstance(given, str) else given if isinstance(given, list) else ()
        missing = [scope for scope in self._scopes if scope not in given]
        if missing:
            raise ApiError(403, INSUFFICIENT_SCOPE, f"The token lacks the scope {' '.join(missing)}.")

    def _remembered(self, digest: bytes, claims: dict[str, Any]) -> Principal:
        principal = self._claims_map.principal(claims)
        if len(self._good) >= _REMEMBERED:
            self._good.clear()
        self._good[digest] = principal, min(time.time() + _REMEMBERED_SECONDS, float(claims["exp"]))
        return principal
