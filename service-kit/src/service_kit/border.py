"""The border: one pass over every request, before a service sees it and when its answer leaves.

It gives the request an id, refuses strange hosts, pages, keys and bodies, and adds the security headers; for
HTTP and WebSocket alike, in the same way in all four services.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service_kit import language
from service_kit.errors import ApiError, error_body, internal_error
from service_kit.hosts import HostRule
from service_kit.ids import current_request_id, request_id
from service_kit.keys import KeyRing, from_authorization, from_subprotocols, principal_of, same
from service_kit.logs import get_logger
from service_kit.origins import OriginRule
from service_kit.settings import ServiceSettings

_log = get_logger(__name__)

ANONYMOUS = "anonymous"
MACHINE_PATHS = frozenset({"/healthz", "/readyz"})
"""Asked by balancers and kubelets, by address: no host check, no key, no log line."""

DESCRIPTION_PATHS = frozenset({"/health", "/docs", "/openapi.json"})
"""Open to whoever may reach the host: they hold no secret."""

_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-site"),
]
_DEFAULT_CSP = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_EXPOSED = (
    b"x-request-id, x-cache, x-response-cost-usd, x-provider, x-provider-model, x-fallback-from, x-overhead-ms, "
    b"x-dropped-params, retry-after, mcp-session-id"
)


@dataclass(frozen=True)
class Policy:
    """What the border lets in.

    `keys` is None where no key is asked for. `page_token` lets in a page that was opened from disk, whose
    origin (`null`) says nothing. `public_paths` need no key.
    """

    hosts: HostRule
    origins: OriginRule
    keys: KeyRing | None
    max_body_bytes: int
    default_language: language.Language
    root_path: str = ""
    page_token: str | None = None
    public_paths: frozenset[str] = field(default=frozenset())

    @staticmethod
    def of(
        settings: ServiceSettings, *, page_token: str | None = None, public_paths: frozenset[str] = frozenset()
    ) -> Policy:
        return Policy(
            hosts=HostRule(settings.allowed_hosts),
            origins=OriginRule(settings.cors_allowed_origins, allow_all=settings.cors_allow_all_origins),
            keys=KeyRing(key.get_secret_value() for key in settings.api_keys) if settings.auth_mode == "keys" else None,
            max_body_bytes=settings.max_body_bytes,
            default_language=settings.ui_language,
            root_path=settings.root_path,
            page_token=page_token,
            public_paths=DESCRIPTION_PATHS | public_paths,
        )


@dataclass(frozen=True)
class Access:
    """One request that was answered; `milliseconds` until the last byte was handed over."""

    method: str
    path: str
    status: int
    milliseconds: float
    principal: str


def log_access(access: Access) -> None:
    """The usual observer: one log line a request."""
    _log.info(
        "request",
        method=access.method,
        path=access.path,
        status=access.status,
        processingTime=round(access.milliseconds, 2),
        userId=access.principal,
    )


class Border:
    """ASGI middleware that holds a `Policy`; `observe` gets an `Access` for each request but the machines'."""

    def __init__(self, app: ASGIApp, policy: Policy, observe: Callable[[Access], None] | None = log_access) -> None:
        self._app = app
        self._policy = policy
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = _Headers(scope["headers"])
        state = scope.setdefault("state", {})
        state["request_id"] = id_ = request_id(headers.request_id)
        current_request_id.set(id_)
        path = scope["path"].removeprefix(self._policy.root_path) or "/"
        crossing = _Crossing(self._policy, scope, headers, path, id_)
        try:
            crossing.check()
        except ApiError as refusal:
            await crossing.refuse(refusal, receive, send)
            return self._note(crossing, scope, 0.0)
        if scope["type"] == "websocket":
            return await self._app(scope, receive, send)
        if headers.preflight and headers.origin is not None:
            return await _send(send, 204, crossing.answer_headers() + crossing.preflight_headers(), b"")
        await self._pass(crossing, scope, receive, send)
        return None

    async def _pass(self, crossing: _Crossing, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        try:
            await self._app(scope, crossing.limited(receive), crossing.decorated(send))
        except ApiError as error:  # from `limited`, where no handler of the application's own was in between
            if crossing.status == 0:
                await crossing.refuse(error, receive, send)
        except Exception as error:  # noqa: BLE001 - the outermost layer: whatever leaks must not become a stack trace
            _log.error("unexpected error", path=crossing.path, exc_info=error)
            if crossing.status == 0:
                await crossing.refuse(internal_error(), receive, send)
        self._note(crossing, scope, (time.perf_counter() - started) * 1000)

    def _note(self, crossing: _Crossing, scope: Scope, milliseconds: float) -> None:
        if self._observe is not None and crossing.path not in MACHINE_PATHS:
            method = scope.get("method", "WEBSOCKET")
            self._observe(Access(method, crossing.path, crossing.status, milliseconds, scope["state"]["principal"]))


class _Headers:
    """The request headers that the border reads, found in one pass."""

    __slots__ = (
        "accept_language", "api_key", "authorization", "chunked", "content_length", "content_type", "host", "origin",
        "preflight", "request_id", "subprotocols",
    )  # fmt: skip

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.host = self.origin = self.authorization = self.api_key = self.request_id = None
        self.content_type = self.accept_language = self.content_length = None
        self.subprotocols: list[str] = []
        self.chunked = self.preflight = False
        for name, value in raw:
            attribute = _READ.get(name)
            if attribute is not None:
                setattr(self, attribute, value.decode("latin-1"))
            elif name == b"transfer-encoding":
                self.chunked = True
            elif name == b"access-control-request-method":
                self.preflight = True
            elif name == b"sec-websocket-protocol":
                self.subprotocols += [item.strip() for item in value.decode("latin-1").split(",")]


_READ = {
    b"host": "host",
    b"origin": "origin",
    b"authorization": "authorization",
    b"x-api-key": "api_key",
    b"x-request-id": "request_id",
    b"content-type": "content_type",
    b"content-length": "content_length",
    b"accept-language": "accept_language",
}


class _Crossing:
    """One request at the border."""

    __slots__ = ("_headers", "_id", "_policy", "_scope", "path", "status")

    def __init__(self, policy: Policy, scope: Scope, headers: _Headers, path: str, id_: str) -> None:
        self._policy = policy
        self._scope = scope
        self._headers = headers
        self._id = id_
        self.path = path
        self.status = 0

    # --- on the way in ---

    def check(self) -> None:
        """Raises ApiError for a request that may not pass; else notes who calls, and in which language."""
        policy, headers, state = self._policy, self._headers, self._scope["state"]
        state["principal"] = ANONYMOUS
        state["language"] = language.choose(headers.accept_language, policy.default_language)
        if self.path in MACHINE_PATHS:
            return
        if not policy.hosts.allows(headers.host):
            raise ApiError(
                421, "host_not_allowed", "This host name is not in ALLOWED_HOSTS.", type="invalid_request_error"
            )
        key = headers.api_key or from_authorization(headers.authorization) or from_subprotocols(headers.subprotocols)
        from_disk = headers.origin == "null" and (self._has_page_token(key) or self._has_key(key))
        if not from_disk and not policy.origins.allows(headers.origin, headers.host):
            raise ApiError(403, "origin_not_allowed", "This page's origin is not in CORS_ALLOWED_ORIGINS.")
        if headers.preflight and self._scope.get("method") == "OPTIONS":
            return
        if policy.keys is not None and self.path not in policy.public_paths:
            state["principal"] = self._authenticate(policy.keys, key)
        self._check_body()

    def _has_page_token(self, key: str | None) -> bool:
        token = self._policy.page_token
        return token is not None and key is not None and same(key, token)

    def _has_key(self, key: str | None) -> bool:
        return key is not None and self._policy.keys is not None and self._policy.keys.principal(key) is not None

    def _authenticate(self, keys: KeyRing, key: str | None) -> str:
        if key is None:
            raise ApiError(401, "missing_api_key", "Send an API key as 'Authorization: Bearer' or 'x-api-key'.")
        if self._has_page_token(key):
            return principal_of(key)
        principal = keys.principal(key)
        if principal is None:
            raise ApiError(401, "invalid_api_key", "This API key is not known here.")
        return principal

    def _check_body(self) -> None:
        headers = self._headers
        length = headers.content_length
        if self._scope.get("method") not in _WITH_BODY or not (headers.chunked or length not in (None, "0")):
            return
        if length is not None and (not length.isdigit() or int(length) > self._policy.max_body_bytes):
            raise self.body_too_large()
        media_type = (headers.content_type or "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise ApiError(
                415,
                "unsupported_media_type",
                "Send JSON, with the header 'Content-Type: application/json'.",
                param="Content-Type",
            )

    def body_too_large(self) -> ApiError:
        return ApiError(413, "body_too_large", f"The body is over the limit of {self._policy.max_body_bytes} bytes.")

    def limited(self, receive: Receive) -> Receive:
        """`receive`, which stops a body that goes on past the limit without having said so."""
        if not self._headers.chunked:
            return receive
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._policy.max_body_bytes:
                raise self.body_too_large()
            return message

        return counted

    # --- on the way out ---

    def answer_headers(self) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", self._id.encode("latin-1")), *_SECURITY_HEADERS]
        origin = self._headers.origin
        if origin is not None:
            headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
            headers.append((b"access-control-expose-headers", _EXPOSED))
            headers.append((b"vary", b"Origin"))
        return headers

    def preflight_headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
            (b"access-control-allow-headers", b", ".join(self._asked_headers()) or b"content-type"),
            (b"access-control-max-age", b"600"),
        ]

    def _asked_headers(self) -> list[bytes]:
        return [value for name, value in self._scope["headers"] if name == b"access-control-request-headers"]

    def decorated(self, send: Send) -> Send:
        """`send`, which adds our headers and remembers the status."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                headers = [*message.get("headers", ()), *self.answer_headers()]
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append(_DEFAULT_CSP)
                message = {**message, "headers": headers}
            await send(message)

        return sending

    async def refuse(self, error: ApiError, receive: Receive, send: Send) -> None:
        """Answer `error`; a WebSocket gets it as the answer to its handshake."""
        self.status = error.status
        body = msgspec.json.encode(error_body(error, self._id))
        headers = [
            (b"content-type", b"application/json"),
            *((name.encode(), value.encode()) for name, value in error.headers().items()),
            *([(b"www-authenticate", b"Bearer")] if error.status == 401 else []),
            *(self.answer_headers() if error.code != "origin_not_allowed" else _SECURITY_HEADERS),
            _DEFAULT_CSP,
        ]
        if self._scope["type"] == "http":
            return await _send(send, error.status, headers, body)
        await receive()
        if "websocket.http.response" not in self._scope.get("extensions", {}):
            return await send({"type": "websocket.close", "code": 1008, "reason": error.code})
        return await _send(send, error.status, headers, body, kind="websocket.http.response")


async def _send(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes, *, kind: str = "http.response"
) -> None:
    length = [] if status == 204 else [(b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": status, "headers": [*headers, *length]})
    await send({"type": f"{kind}.body", "body": body})
