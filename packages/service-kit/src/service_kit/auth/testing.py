"""An issuer of tokens for tests: real keys, real JWTs, real HTTP on loopback."""

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
    """An authorization server, as far as a resource server sees one; `app` serves it.

    `url` has to be set to where it is served. `rotate` gives it a new key, and `answers` replaces what a path
    answers: a status and a body. `asked` holds the paths that were asked for.
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
        """Sign with a new key from now on, an `RSA` or an `EC` one; the old ones are published no longer."""
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
        """A token for `audience`; a claim that is None is left out."""
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
