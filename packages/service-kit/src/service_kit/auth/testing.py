"""A token issuer for tests, with real keys, real JWTs and real HTTP."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class FakeIssuer:
    """The part of an authorization server that a resource server sees; `app` serves it.

    The test sets `url` to the address at which `app` is served. `answers` replaces the answer of a path by a status and
    a body. `asked` lists the requested paths.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        self._published: list[dict[str, Any]] = []
        self._generation = 0
        self.rotate()
        self.app = Starlette(routes=[Route("/{path:path}", self._answer)])

    def rotate(self, kind: str = "RSA", **described: Any) -> None:
        """Replaces the signing key by a new one, of the type `RSA` or `EC`; the old key is no longer published.
        `described` are more members of the published key (RFC 7517)."""
        self._generation += 1
        self.key_id = f"key-{self._generation}"
        if kind == "EC":
            self._key: Any = ec.generate_private_key(ec.SECP256R1())
            public = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
            self._algorithm = "ES256"
        else:
            self._key = rsa.generate_private_key(65537, 2048)
            public = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
            self._algorithm = "RS256"
        self._published = [{**public, "kid": self.key_id, "use": "sig", **described}]

    @property
    def public_key(self) -> Any:
        return self._key.public_key()

    def token(
        self, audience: Any, *, headers: dict[str, Any] | None = None, key: Any = None, alg: str = "", **claims: Any
    ) -> str:
        """Returns a signed JWT for `audience` that is valid for 10 minutes. A claim that is None is left out."""
        now = int(time.time())
        made = {"iss": self.url, "aud": audience, "sub": "ana", "iat": now, "exp": now + 600, **claims}
        made = {name: value for name, value in made.items() if value is not None}
        key = None if alg == "none" else key or self._key
        return jwt.encode(made, key, alg or self._algorithm, {"kid": self.key_id, **(headers or {})})

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append(path)
        if path in self.answers:
            status, body = self.answers[path]
            return Response(body, status, media_type="application/json")
        if path == "/.well-known/oauth-authorization-server":
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"})
        return JSONResponse({"keys": self._published}) if path == "/jwks" else Response(status_code=404)
