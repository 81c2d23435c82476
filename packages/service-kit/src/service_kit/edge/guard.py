"""One request at the edge: limits on what the application reads, and headers on what it answers."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from starlette.types import Message, Receive, Send

from service_kit import language
from service_kit.auth.principal import UNAUTHENTICATED
from service_kit.edge.body import BytesInFlight, LimitedBody
from service_kit.edge.departure import DEPARTURE, Departure
from service_kit.edge.request import EdgeRequest
from service_kit.errors import ApiError, error_body

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
    b"x-dropped-params, x-tools, x-should-retry, retry-after, mcp-session-id",
)
_VARY = (b"vary", b"Origin")
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-max-age", b"600"),
]


class RequestGuard:
    """The edge's side of one request: `limited` bounds what the application reads, `send` adds headers to its answer.

    `status` is the answer's status: 0 before there is one, 101 for an accepted WebSocket.
    """

    __slots__ = ("_body", "_closed", "_send", "request", "status")

    def __init__(self, request: EdgeRequest, send: Send) -> None:
        self.request = request
        self._send = send
        self._body: LimitedBody | None = None
        self._closed = False
        self.status = 0
        state, policy = request.scope["state"], request.policy
        state["request_id"] = request.id
        state["principal"] = policy.anonymous or UNAUTHENTICATED
        state["language"] = language.choose(request.text(b"accept-language"), policy.default_language)

    def limited(self, receive: Receive, in_flight: BytesInFlight) -> Receive:
        """Returns the `receive` that the application gets; its limits hold until `close`."""
        given = self.request.given
        if not self.request.is_http or not (b"content-length" in given or b"transfer-encoding" in given):
            return receive
        self._body = LimitedBody(self.request, receive, in_flight)
        return self._body

    @property
    def body_error(self) -> ApiError | None:
        """The reason why the body was cut short, or None. It becomes the answer, even if the application answers
        otherwise."""
        return self._body.error if self._body is not None else None

    def close(self) -> None:
        """Releases what is held for the request's body."""
        if self._body is not None:
            self._body.close()

    async def send(self, message: Message) -> None:
        """Passes on a message of the answer; the first one gets the edge's headers."""
        kind = message["type"]
        if kind == "websocket.close" and self.status == 0:
            return await self.refuse(no_socket_here())
        if self.body_error is not None and self.status == 0:
            return None
        if kind == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": self._completed(message.get("headers", ()))}
        elif kind == "websocket.accept":
            self.status = 101
            message = {**message, "headers": [*message.get("headers", ()), self._id_header()]}
        elif kind == "websocket.close":
            self._closed = True
        return await self._send(message)

    def _completed(self, theirs: Headers) -> Headers:
        headers = [*theirs, self._id_header(), *_SECURITY]
        if self.request.allowed_origin is not None:
            headers += [(b"access-control-allow-origin", self.request.allowed_origin), _EXPOSED, _VARY]
        for name, _ in theirs:
            if name == b"content-security-policy":
                return headers
        headers.append(_DEFAULT_CSP)
        return headers

    def _id_header(self) -> tuple[bytes, bytes]:
        return b"x-request-id", self.request.id.encode("latin-1")

    async def answer_preflight(self) -> None:
        """Answers a CORS preflight with what the page may send. Pages whose origin is not allowed were refused by the
        checks."""
        asked = self.request.given.get(b"access-control-request-headers") or b"content-type"
        await self._answer(204, [*_PREFLIGHT, (b"access-control-allow-headers", asked)], b"")

    async def refuse(self, error: ApiError) -> None:
        """Answers with `error`. A WebSocket gets it in place of its handshake, or is closed if the handshake is
        complete."""
        if self.status:
            return await self._break_off()
        self.status = error.status
        headers: Headers = [(b"content-type", b"application/json")]
        headers += [(name.encode(), value.encode()) for name, value in error.headers().items()]
        challenge = self.request.policy.challenge(error)
        if challenge is not None:
            headers.append((b"www-authenticate", challenge.encode("latin-1")))
        if self.request.is_http or "websocket.http.response" in self.request.scope.get("extensions", {}):
            return await self._answer(error.status, headers, self._rendered(error))
        return await self._send({"type": "websocket.close", "code": 1008, "reason": error.code})

    def _rendered(self, error: ApiError) -> bytes:
        render = self.request.policy.error_bodies.get(self.request.path)
        if render:
            return render(error, self.request.id)
        return msgspec.json.encode(error_body(error, self.request.id, self.request.scope["state"]["language"]))

    async def _break_off(self) -> None:
        if self.request.is_http:
            departure: Departure | None = self.request.scope["state"].get(DEPARTURE)
            if departure is not None:  # without the service's own protocol, the server cuts it when this returns
                departure.cut()
        elif not self._closed:
            with suppress(OSError):  # the client has left already
                await self._send({"type": "websocket.close", "code": 1011})

    async def _answer(self, status: int, headers: Headers, body: bytes) -> None:
        kind = "http.response" if self.request.is_http else "websocket.http.response"
        if status != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": f"{kind}.start", "status": status, "headers": self._completed(headers)})
        await self._send({"type": f"{kind}.body", "body": body})


def no_socket_here() -> ApiError:
    """Returns the answer to a handshake at an address without a WebSocket, which a router closes without a word."""
    return ApiError(404, "not_found", "Not Found", spanish="No hay nada en esta dirección.")
