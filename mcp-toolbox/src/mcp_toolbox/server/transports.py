"""MCP over HTTP: Streamable HTTP on `/mcp`, and the older HTTP+SSE on `/sse` and `/messages/`.

Streamable HTTP is stateless for revision 2026-07-28 and has sessions for the handshake revisions before it. The SDK's
checks of Host and Origin are off: the edge has checked both for every route, from the same settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from anyio import BrokenResourceError, ClosedResourceError
from mcp.server import Server
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import RequestBodyLimitMiddleware, TransportSecuritySettings
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from service_kit.auth.principal import ANONYMOUS, principal_in
from service_kit.background import supervised
from service_kit.telemetry.refusals import Refusals
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_toolbox.calls.request import MESSAGES_PATH
from mcp_toolbox.server.checked_messages import CheckedMessages
from mcp_toolbox.server.sessions import OPENING_BYTES, BoundedSessions
from mcp_toolbox.server.streams import DrainedAndIdle, JsonRpcRefusals, UntilDrained

_EDGE_HAS_CHECKED = TransportSecuritySettings(enable_dns_rebinding_protection=False)


class HttpTransports:
    """The ASGI applications of both transports; `run` must be entered while they serve.

    When `drained` is set, `on_drain` is called, and open streams end: streams that carry answers when all calls have
    been answered, the others at once.
    """

    def __init__(
        self,
        server: Server[Any],
        *,
        max_body_bytes: int,
        drained: asyncio.Event,
        refusals: Refusals | None = None,
        on_drain: Callable[[], None] | None = None,
    ) -> None:
        self._server = server
        self._drained = drained
        self._on_drain = on_drain
        answered = DrainedAndIdle(drained)
        server.middleware.append(answered)
        self._sessions = BoundedSessions(
            server, refusals or Refusals(), security_settings=_EDGE_HAS_CHECKED, max_request_body_size=max_body_bytes
        )
        self._sse = SseServerTransport(
            MESSAGES_PATH, security_settings=_EDGE_HAS_CHECKED, max_request_body_size=max_body_bytes
        )
        self.streamable_http: ASGIApp = CheckedMessages(
            JsonRpcRefusals(self._streamable_http), max_body_bytes, "mcp", _unknown_revision
        )
        self.sse: ASGIApp = JsonRpcRefusals(UntilDrained(self._open_sse, answered))
        self.messages: ASGIApp = CheckedMessages(JsonRpcRefusals(_as_user(self._take_message)), max_body_bytes, "sse")
        self._call = _as_user(self._sessions.handle_request)
        self._open = RequestBodyLimitMiddleware(self._call, min(OPENING_BYTES, max_body_bytes))
        self._listen = UntilDrained(self._call, drained)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Runs the sessions until the block ends. The service's lifespan enters it, once."""
        async with supervised("end of streams", self._say_when_drained), self._sessions.run():
            yield

    async def _say_when_drained(self) -> None:
        await self._drained.wait()
        if self._on_drain is not None:
            self._on_drain()

    async def _streamable_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The HTTP parser leaves white space around a header's value, which is not part of it (RFC 9110 §5.5).
        scope = {**scope, "headers": [(name, value.strip(b" \t")) for name, value in scope["headers"]]}
        # A GET is a stream that its client keeps open, and ends on a drain; a POST is a call, which may finish.
        if scope["method"] == "GET":
            await self._listen(scope, receive, send)
        else:
            await (self._open if _opens_session(scope) else self._call)(scope, receive, send)

    async def _open_sse(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = _with_user(scope)
        async with self._sse.connect_sse(scope, receive, send) as (incoming, outgoing):
            await self._server.run(incoming, outgoing, self._server.create_initialization_options())

    async def _take_message(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The SDK answers 202 and then passes the message on; by then its session may have ended.
        with suppress(ClosedResourceError, BrokenResourceError):
            await self._sse.handle_post_message(scope, receive, send)


def _opens_session(scope: Scope) -> bool:
    """Returns whether the request can only be a handshake: it names no session, and its revision is one with
    sessions."""
    headers = dict(scope["headers"])
    revision = headers.get(b"mcp-protocol-version", b"").decode("latin-1")
    return b"mcp-session-id" not in headers and (not revision or revision in HANDSHAKE_PROTOCOL_VERSIONS)


def _unknown_revision(scope: Scope) -> str | None:
    """Returns what is wrong with the revision that a request of a session names, None if it may be one. The SDK takes
    an unknown one for the next revision's, and asks for fields that a session's messages do not have."""
    headers = dict(scope["headers"])
    revision = headers.get(b"mcp-protocol-version", b"").strip(b" \t").decode("latin-1")
    known = (*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS)
    if b"mcp-session-id" not in headers or not revision or revision in known:
        return None
    return f"Unsupported MCP-Protocol-Version; this server speaks {', '.join(known)}"


def _as_user(app: ASGIApp) -> ASGIApp:
    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        await app(_with_user(scope), receive, send)

    return called


def _with_user(scope: Scope) -> Scope:
    """Returns `scope` with its principal in the SDK's form, so that a session accepts only the key that opened it."""
    principal = principal_in(scope).id
    if principal == ANONYMOUS:
        return scope
    return {**scope, "user": AuthenticatedUser(AccessToken(token="", client_id=principal, scopes=[]))}
