"""The public keys of an issuer of tokens: fetched beside the requests, kept, and fetched anew."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
from jwt import PyJWK, PyJWTError

from service_kit.auth.addresses import is_secure, metadata_urls
from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)

_ALGORITHMS = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
"""By type of key. Secrets shared with the issuer (HS256) are not taken: whoever could check could sign."""

_MAX_BYTES = 1_000_000


class IssuerError(Exception):
    """The issuer's metadata or keys are not what they should be."""


@dataclass(frozen=True)
class PublicKey:
    """One key, and the algorithms that it may be used with."""

    key: Any
    algorithms: frozenset[str]


class IssuerKeys:
    """The keys of `issuer`, by their id.

    Its metadata names them (RFC 8414, or OpenID Connect Discovery), unless `jwks_url` does. They are fetched while
    `running`, every `refresh_seconds`, and earlier when an unknown one is wanted, but at most every `rest_seconds`.
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
        self._wanted = asyncio.Event()
        self._fetched_at: float | None = None

    def get(self, key_id: str | None) -> PublicKey | None:
        """The key of that id; without one, the only key that there is."""
        keys = self._keys or {}
        return next(iter(keys.values())) if key_id is None and len(keys) == 1 else keys.get(key_id)

    def fetch_soon(self) -> bool:
        """Whether the keys are about to be fetched, so that asking again makes sense."""
        rested = self._fetched_at is None or self._clock() - self._fetched_at >= self._rest
        if rested:
            self._wanted.set()
        return rested or self._keys is None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the keys fresh until the block ends."""
        task = asyncio.create_task(self._keep_fresh())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_fresh(self) -> None:
        async with httpx2.AsyncClient(timeout=self._timeout, headers={"accept": "application/json"}) as http:
            while True:
                wait = await self._fetch(http)
                self._fetched_at = self._clock()
                self._wanted.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wanted.wait()

    async def _fetch(self, http: httpx2.AsyncClient) -> float:
        """Fetch once; seconds until the next time. What was there stays where that fails."""
        try:
            async with asyncio.timeout(2 * self._timeout):
                self._keys = _usable(await _document(http, self._jwks_url or await self._discovered(http)))
        except (httpx2.HTTPError, httpx2.InvalidURL, IssuerError, TimeoutError) as error:
            _log.warning("the issuer's keys could not be fetched", issuer=self._issuer, reason=_reason(error))
            return self._rest
        return self._refresh

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
    """A key of the list (RFC 7517), or None for one that is not for signatures or not of a kind that we take."""
    allowed = _ALGORITHMS.get(str(described.get("kty")), frozenset())
    if described.get("alg") is not None:
        allowed &= {described["alg"]} if isinstance(described["alg"], str) else frozenset()
    if not allowed or described.get("use", "sig") != "sig" or not isinstance(described.get("kid", ""), str):
        return None
    if "d" in described:  # a private key that somebody published: whoever read it can sign
        return None
    try:
        return PublicKey(PyJWK.from_dict(described).key, allowed)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return f"status {error.response.status_code}"
    return str(error) if isinstance(error, IssuerError) else type(error).__name__
