"""The edge's view of a request, read once from its head."""

from __future__ import annotations

from starlette.types import Scope

from service_kit.auth.keys import from_authorization, from_subprotocols
from service_kit.auth.principal import Principal
from service_kit.edge.policy import Policy
from service_kit.ids import request_id

_LONGEST_CLIENT = 64
"""In characters. Behind a trusted proxy the address is the text of a header."""


class EdgeRequest:
    """One request, HTTP or WebSocket, under a policy.

    `allowed_origin` is the origin of the page that may read the answer; the check `origin` sets it.
    """

    __slots__ = ("allowed_origin", "given", "id", "is_http", "method", "path", "policy", "preflight", "scope")

    def __init__(self, policy: Policy, scope: Scope) -> None:
        self.policy = policy
        self.scope = scope
        self.allowed_origin: bytes | None = None
        self.given: dict[bytes, bytes] = dict(scope["headers"])
        self.is_http: bool = scope["type"] == "http"
        self.id = request_id(self.text(b"x-request-id"))
        self.method: str = scope.get("method", "WEBSOCKET")
        self.path = policy.path_within(scope["path"])
        self.preflight = (
            self.method == "OPTIONS"
            and b"origin" in self.given
            and b"access-control-request-method" in self.given
        )  # fmt: skip

    def text(self, name: bytes) -> str | None:
        """Returns the value of the header `name` (in lower case), or None if it is missing."""
        value = self.given.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def client(self) -> str:
        """The caller's address: that of the connection, or the one that a trusted proxy names."""
        client = self.scope.get("client")
        return client[0][:_LONGEST_CLIENT] if client else "unknown"

    @property
    def payer(self) -> str:
        """The account on which the request holds memory: the principal's id, or the address of a caller without a
        credential."""
        principal: Principal = self.scope["state"]["principal"]
        return self.client if principal.source == "none" else principal.id

    @property
    def repeats_fields(self) -> bool:
        """Whether any header is sent more than once."""
        return len(self.given) != len(self.scope["headers"])

    def key(self) -> str | None:
        """Returns the secret that the caller has sent in a header or, for a WebSocket, in a subprotocol; None if there
        is none."""
        key = self._secret(b"x-api-key") or from_authorization(self._secret(b"authorization"))
        return key or (from_subprotocols(self._subprotocols()) if not self.is_http else None)

    def _secret(self, name: bytes) -> str | None:
        value = self.given.get(name)
        if value is None:
            return None
        try:
            return value.decode()  # clients send a key beyond ASCII in UTF-8 or, as older ones, in Latin-1
        except UnicodeDecodeError:
            return value.decode("latin-1")

    def _subprotocols(self) -> list[str]:
        offers = [value for name, value in self.scope["headers"] if name == b"sec-websocket-protocol"]
        return [item.strip() for item in b",".join(offers).decode("latin-1").split(",")]
