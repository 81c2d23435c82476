"""Sessions of Streamable HTTP, for the revisions with a handshake, limited by principal."""

from __future__ import annotations

import math
from typing import Any

from mcp.server import Server
from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PER_PRINCIPAL = 512
IN_ALL = 2048
"""A session takes about 45 kB."""

OPENING_BYTES = 64 * 1024
"""The limit of the message that opens a session: its description of the client is kept as long as the session."""


class BoundedSessions(StreamableHTTPSessionManager):
    """The SDK's sessions, with an additional limit for each principal.

    A principal at its limit loses the idle session that it has not used for longest: its client gets a 404 and opens
    another, as the specification asks. If all of its sessions are in use, the new one is refused with 503.
    """

    def __init__(self, server: Server[Any], *, per_principal: int = PER_PRINCIPAL, **options: Any) -> None:
        super().__init__(server, max_sessions=IN_ALL, **options)
        self._per_principal = per_principal

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        own = [name for name in self._server_instances if self._session_owners.get(name) == requestor]
        if len(own) >= self._per_principal and not self._end_least_recent(own):
            return None
        return super()._admit_session(requestor)

    def _end_least_recent(self, names: list[str]) -> bool:
        idle = [name for name in names if _idle_until(self._server_instances[name]) < math.inf]
        if not idle:
            return False
        least = min(idle, key=lambda name: _idle_until(self._server_instances[name]))
        transport = self._server_instances.pop(least)  # its task is cancelled below, and ends later
        self._session_owners.pop(least, None)
        assert transport.idle_scope is not None
        transport.idle_scope.cancel()
        return True


def _idle_until(transport: StreamableHTTPServerTransport) -> float:
    """Returns the time at which the session ends if no request comes; infinity while a request is served."""
    return transport.idle_scope.deadline if transport.idle_scope is not None else math.inf
