"""Whose bearer token it is: a JWT of our issuer, meant for us, that has not expired (RFC 7519, RFC 9068)."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import jwt

from service_kit.auth.issuer_keys import IssuerKeys
from service_kit.auth.keys import Keys
from service_kit.auth.resource import INSUFFICIENT_SCOPE, ProtectedResource
from service_kit.errors import ApiError

_LEEWAY_SECONDS = 30
_LONGEST_TOKEN = 16_384
_REMEMBERED = 1000
_REMEMBERED_SECONDS = 300.0


class Tokens:
    """Takes tokens of `resource`'s issuer, checked with `keys`; never a token that was issued for another audience.

    A token that was good is remembered for some minutes, so that its signature is not checked at each request.
    """

    def __init__(self, resource: ProtectedResource, keys: IssuerKeys) -> None:
        self._resource = resource
        self._keys = keys
        self._audience = (resource.url, resource.url.rstrip("/"))
        self._good: dict[bytes, tuple[str, float]] = {}

    def principal(self, key: str) -> str | None:
        """The short id of the token's subject, or None for what is no good token of ours.

        Raises:
            ApiError: 403, the token lacks a scope; 503, the issuer's keys are not here yet.
        """
        if key.count(".") != 2 or len(key) > _LONGEST_TOKEN or not key.isascii():
            return None
        digest = hashlib.sha256(key.encode()).digest()
        principal, until = self._good.get(digest, ("", 0.0))
        if time.time() < until:
            return principal
        claims = self._claims(key)
        if claims is None:
            return None
        self._check_scopes(claims)
        return self._remembered(digest, claims)

    def _claims(self, token: str) -> dict[str, Any] | None:
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
                issuer=self._resource.issuer,
                audience=self._audience,
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
        missing = [scope for scope in self._resource.scopes if scope not in given]
        if missing:
            raise ApiError(403, INSUFFICIENT_SCOPE, f"The token lacks the scope {' '.join(missing)}.")

    def _remembered(self, digest: bytes, claims: dict[str, Any]) -> str:
        subject = f"{claims['iss']}\n{claims['sub']}"
        principal = f"sub_{hashlib.sha256(subject.encode()).hexdigest()[:12]}"
        if len(self._good) >= _REMEMBERED:
            self._good.clear()
        self._good[digest] = principal, min(time.time() + _REMEMBERED_SECONDS, float(claims["exp"]))
        return principal


class KeyOrToken:
    """Takes API keys as well as tokens."""

    def __init__(self, keys: Keys, tokens: Keys) -> None:
        self._keys = keys
        self._tokens = tokens

    def principal(self, key: str) -> str | None:
        return self._keys.principal(key) or self._tokens.principal(key)
