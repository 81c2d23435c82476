"""The public keys of a token issuer, fetched in the background and kept in memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
from jwt import PyJWK, PyJWTError

from service_kit.auth.addresses import is_secure, metadata_urls
from service_kit.background import Unavailable, Wakeup, supervised

_ALGORITHMS = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
"""The accepted signature algorithms, by type of key. Shared secrets (HS256) are not accepted: a service that can check
such a signature could also forge one."""

_MAX_BYTES = 1_000_000


class IssuerError(Exception):
    """The issuer's metadata or its list of keys is not valid."""


@dataclass(frozen=True)
class PublicKey:
    """A public key and the signature algorithms that it may be used with."""

    key: Any
    algorithms: frozenset[str]


class IssuerKeys:
    """The public keys of `issuer`, by key id.

    `jwks_url` is the address of the keys; if it is None, the issuer's metadata names it (RFC 8414, or OpenID Connect
    Discovery). While `running`, the keys are fetched every `refresh_seconds`, and earlier if an unknown key is wanted
    or the last fetch failed, but never more often than every `rest_seconds`. Each wait for the issuer is limited to
    `timeout_seconds`, and a whole fetch to twice as many. `clock` is in seconds.
    """

    def __init__(
        self,
        issuer: str,
        jwks_url: str | None = None,
        *,
        refresh_seconds: float = 600,
        rest_seconds: float = 10,
        timeout_seconds: float = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._refresh = refresh_seconds
        self._rest = rest_seconds
        self._timeout = timeout_seconds
        self._clock = clock
        self._keys: dict[str | None, PublicKey] | None = None
        self._wanted = Wakeup()
        self._pause = 0.0
        self._fetched_at: float | None = None

    def get(self, key_id: str | None) -> PublicKey | None:
        """Returns the key with the id `key_id`, or None if there is none. Without an id it returns the only key, if
        there is exactly one."""
        keys = self._keys or {}
        return next(iter(keys.values())) if key_id is None and len(keys) == 1 else keys.get(key_id)

    def fetch_soon(self) -> bool:
        """Asks for a fetch, and returns whether one is due, so that it makes sense to try the token again."""
        rested = self._fetched_at is None or self._clock() - self._fetched_at >= self._rest
        if rested:
            self._wanted.set()
        return rested or self._keys is None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the keys fresh until the block ends. While the issuer is away, the loop `issuer keys` in `/health` is
        failing."""
        async with httpx2.AsyncClient(timeout=self._timeout, headers={"accept": "application/json"}) as http:
            # The supervisor adds no pauses: each turn begins with the pause that the turn before has set.
            turn = partial(self._turn, http)
            async with supervised("issuer keys", turn, every_seconds=0, longest_pause_seconds=0):
                yield

    async def _turn(self, http: httpx2.AsyncClient) -> None:
        """Waits until the next fetch is due, or until a key is wanted, and fetches once. A failed fetch keeps the keys
        that are there.

        Raises:
            Unavailable: the keys could not be fetched.
        """
        await self._wanted.wait(self._pause)
        self._pause = self._rest  # set before the fetch, so that a failure of any kind is followed by a pause
        try:
            async with asyncio.timeout(2 * self._timeout):
                self._keys = _usable(await _document(http, self._jwks_url or await self._discovered(http)))
        except (httpx2.HTTPError, httpx2.InvalidURL, IssuerError, TimeoutError) as error:
            raise Unavailable(f"the keys of {self._issuer} could not be fetched: {_reason(error)}") from error
        finally:
            self._fetched_at = self._clock()
            self._wanted.clear()  # the fetch has answered all requests made meanwhile
        self._pause = self._refresh

    async def _discovered(self, http: httpx2.AsyncClient) -> str:
        for url in metadata_urls(self._issuer):
            with suppress(httpx2.HTTPStatusError):
                found = await _document(http, url)
                if found.get("issuer") != self._issuer:
                    raise IssuerError("its metadata names another issuer")
                return _secure(found.get("jwks_uri"))
        raise IssuerError("it has no metadata")


def _secure(url: Any) -> str:
    if not isinstance(url, str) or not is_secure(url):
        raise IssuerError("its metadata names no secure address of its keys")
    return url


async def _document(http: httpx2.AsyncClient, url: str) -> Mapping[str, Any]:
    async with http.stream("GET", url) as response:
        if response.status_code != 200:
            raise httpx2.HTTPStatusError("not 200", request=response.request, response=response)
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _MAX_BYTES:
                raise IssuerError("it answers too much")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise IssuerError("it does not answer JSON") from None
    if not isinstance(found, dict):
        raise IssuerError("it does not answer a JSON object")
    return found


def _usable(jwks: Mapping[str, Any]) -> dict[str | None, PublicKey]:
    listed = jwks.get("keys")
    if not isinstance(listed, list):
        raise IssuerError("its keys are no list")
    found = {each.get("kid"): key for each in listed if isinstance(each, dict) and (key := _key(each)) is not None}
    if not found:
        raise IssuerError("it has no key that we can use")
    return found


def _key(described: dict[str, Any]) -> PublicKey | None:
    """Returns a key of the list (RFC 7517), or None if it is not for signatures or is of a type that is not
    accepted."""
    allowed = _ALGORITHMS.get(str(described.get("kty")), frozenset())
    if described.get("alg") is not None:
        allowed &= {described["alg"]} if isinstance(described["alg"], str) else frozenset()
    if not allowed or described.get("use", "sig") != "sig" or not isinstance(described.get("kid", ""), str):
        return None
    if "d" in described:  # a private key was published by mistake: any reader of the list could sign with it
        return None
    try:
        return PublicKey(PyJWK.from_dict(described).key, allowed)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return f"status {error.response.status_code}"
    return str(error) if isinstance(error, IssuerError) else type(error).__name__
