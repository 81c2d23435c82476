"""One request at the border: the checks on its way in, our headers on its answer's way out."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from starlette.types import Message, Receive, Scope, Send

from service_kit import language
from service_kit.auth.keys import from_authorization, from_subprotocols, principal_of, same
from service_kit.auth.principal import UNAUTHENTICATED, Principal
from service_kit.edge.policy import MACHINE_PATHS, Policy
from service_kit.errors import ApiError, error_body
from service_kit.ids import request_id

Headers = list[tuple[bytes, bytes]]

_SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-site"),
]
_DEFAULT_CSP = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_EXPOSED = (
    b"access-control-expose-headers",
    b"x-request-id, x-cache, x-response-cost-usd, x-provider, x-provider-model, x-fallback-from, x-overhead-ms, "
    b"x-dropped-params, x-tools, retry-after, mcp-session-id",
)
_VARY = (b"vary", b"Origin")
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-max-age", b"600"),
]
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_LONGEST_LENGTH = 18
"""Digits of a Content-Length that is taken at its word; a longer one is over any limit."""


class RequestGuard:
    """One request under a policy: `check` it, then answer it through `send`, which adds our headers.

    `status` is that of the answer, 0 before there is one, 101 for an accepted WebSocket. `body_error` is why the body
    was cut short; whatever the application makes of that, it is the answer.
    """

    __slots__ = (
        "_closed", "_given", "_let_in_page", "_policy", "_scope", "_send",
        "id", "method", "body_error", "path", "preflight", "status",
    )  # fmt: skip

    def __init__(self, policy: Policy, scope: Scope, send: Send) -> None:
        self._policy = policy
        self._scope = scope
        self._send = send
        self._given: dict[bytes, bytes] = dict(scope["headers"])
        self._let_in_page: bytes | None = None
        self._closed = False
        self.body_error: ApiError | None = None
        self.id = request_id(self._text(b"x-request-id"))
        self.method: str = scope.get("method", "WEBSOCKET")
        self.path = policy.path_within(scope["path"])
        self.preflight = (
            self.method == "OPTIONS"
            and b"origin" in self._given
            and b"access-control-request-method" in self._given
        )  # fmt: skip
        self.status = 0

    def _text(self, name: bytes) -> str | None:
        value = self._given.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def trace(self) -> str | None:
        """The caller's trace context, as it was sent."""
        return self._text(b"traceparent")

    @property
    def is_http(self) -> bool:
        return self._scope["type"] == "http"

    # --- on the way in ---

    async def check(self) -> None:
        """Raises ApiError for a request that may not pass; else notes who calls, and in which language."""
        policy, state = self._policy, self._scope["state"]
        state["request_id"] = self.id
        state["principal"] = policy.anonymous or UNAUTHENTICATED
        state["language"] = language.choose(self._text(b"accept-language"), policy.default_language)
        if self.path in MACHINE_PATHS:
            return
        host = self._text(b"host")
        if not policy.hosts.allows(host):
            raise ApiError(
                421, "host_not_allowed", "This host name is not in ALLOWED_HOSTS.", type="invalid_request_error"
            )
        origin = self._given.get(b"origin")
        if origin is not None:
            await self._check_origin(origin.decode("latin-1"), host)
            self._let_in_page = origin
        if self.preflight:
            return
        if policy.authenticator is not None and self.path not in policy.public_paths:
            state["principal"] = await self._authenticate()
        if self.method in _WITH_BODY:
            self._check_body()

    async def _check_origin(self, origin: str, host: str | None) -> None:
        if origin == "null":
            key = self._key()
            if key is not None and (self._is_page_token(key) or await self._known(key) is not None):
                return
        if not self._policy.origins.allows(origin, host):
            raise ApiError(403, "origin_not_allowed", "This page's origin is not in CORS_ALLOWED_ORIGINS.")

    def _key(self) -> str | None:
        key = self._text(b"x-api-key") or from_authorization(self._text(b"authorization"))
        return key or (from_subprotocols(self._subprotocols()) if not self.is_http else None)

    def _subprotocols(self) -> list[str]:
        offers = [value for name, value in self._scope["headers"] if name == b"sec-websocket-protocol"]
        return [item.strip() for item in b",".join(offers).decode("latin-1").split(",")]

    def _is_page_token(self, key: str) -> bool:
        token = self._policy.page_token
        return token is not None and same(key, token)

    async def _known(self, key: str) -> Principal | None:
        authenticator = self._policy.authenticator
        return None if authenticator is None else await authenticator.authenticate(key)

    async def _authenticate(self) -> Principal:
        key, anonymous = self._key(), self._policy.anonymous
        if key is None:
            if anonymous is not None:
                return anonymous
            raise ApiError(401, "missing_api_key", "Send an API key as 'Authorization: Bearer' or 'x-api-key'.")
        if anonymous is None and self._is_page_token(key):
            return Principal(id=principal_of(key), source="page")
        principal = await self._known(key) or anonymous
        if principal is None:
            raise ApiError(401, "invalid_api_key", "This API key is not known here.")
        return principal

    def _check_body(self) -> None:
        length = self._given.get(b"content-length")
        if length in (None, b"0") and b"transfer-encoding" not in self._given:
            return
        if length is not None and not self._fits(length):
            raise self._body_too_large()
        media_type = self._given.get(b"content-type", b"")
        if media_type != b"application/json":
            media_type = media_type.partition(b";")[0].strip().lower()
            if media_type != b"application/json" and not media_type.endswith(b"+json"):
                raise ApiError(
                    415,
                    "unsupported_media_type",
                    "Send JSON, with the header 'Content-Type: application/json'.",
                    param="Content-Type",
                )

    def _fits(self, length: bytes) -> bool:
        return length.isdigit() and len(length) <= _LONGEST_LENGTH and int(length) <= self._policy.max_body_bytes

    def _body_too_large(self) -> ApiError:
        return ApiError(413, "body_too_large", f"The body is over the limit of {self._policy.max_body_bytes} bytes.")

    def limited(self, receive: Receive) -> Receive:
        """`receive`, which stops a body that goes on past the limit without having said so."""
        if b"transfer-encoding" not in self._given:
            return receive
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._policy.max_body_bytes:
                self.body_error = self._body_too_large()
                raise self.body_error
            return message

        return counted

    # --- on the way out ---

    async def send(self, message: Message) -> None:
        """Hand an answer's message on, the first with our headers."""
        kind = message["type"]
        if self.body_error is not None and self.status == 0:
            return
        if kind == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": self._completed(message.get("headers", ()))}
        elif kind == "websocket.accept":
            self.status = 101
            message = {**message, "headers": [*message.get("headers", ()), self._id_header()]}
        elif kind == "websocket.close":
            self._closed = True
        await self._send(message)

    def _completed(self, theirs: Headers) -> Headers:
        headers = [*theirs, self._id_header(), *_SECURITY]
        if self._let_in_page is not None:
            headers += [(b"access-control-allow-origin", self._let_in_page), _EXPOSED, _VARY]
        for name, _ in theirs:
            if name == b"content-security-policy":
                return headers
        headers.append(_DEFAULT_CSP)
        return headers

    def _id_header(self) -> tuple[bytes, bytes]:
        return b"x-request-id", self.id.encode("latin-1")

    async def answer_preflight(self) -> None:
        """Tell a browser what its page may send; a page whose origin may not was refused by `check`."""
        asked = self._given.get(b"access-control-request-headers") or b"content-type"
        await self._answer(204, [*_PREFLIGHT, (b"access-control-allow-headers", asked)], b"")

    async def refuse(self, error: ApiError) -> None:
        """Answer `error`; a WebSocket gets it as the answer to its handshake, or is closed if it was accepted."""
        if self.status:
            return await self._break_off()
        self.status = error.status
        headers: Headers = [(b"content-type", b"application/json")]
        headers += [(name.encode(), value.encode()) for name, value in error.headers().items()]
        challenge = self._policy.challenge(error)
        if challenge is not None:
            headers.append((b"www-authenticate", challenge.encode("latin-1")))
        if self.is_http or "websocket.http.response" in self._scope.get("extensions", {}):
            return await self._answer(error.status, headers, self._rendered(error))
        return await self._send({"type": "websocket.close", "code": 1008, "reason": error.code})

    def _rendered(self, error: ApiError) -> bytes:
        render = self._policy.error_bodies.get(self.path)
        return render(error, self.id) if render else msgspec.json.encode(error_body(error, self.id))

    async def _break_off(self) -> None:
        # An HTTP answer that has begun is cut by the server when the application returns without its end.
        if not self.is_http and not self._closed:
            with suppress(OSError):  # the client has left already
                await self._send({"type": "websocket.close", "code": 1011})

    async def _answer(self, status: int, headers: Headers, body: bytes) -> None:
        kind = "http.response" if self.is_http else "websocket.http.response"
        if status != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": f"{kind}.start", "status": status, "headers": self._completed(headers)})
        await self._send({"type": f"{kind}.body", "body": body})
