"""Sessions of Streamable HTTP, for the revisions with a handshake, limited by principal."""

from __future__ import annotations

import math
from typing import Any

from mcp.server import Server
from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
from mcp.server.runner import ServerRunner
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from service_kit.telemetry.refusals import Refusals

PER_PRINCIPAL = 512
IN_ALL = 2048
"""A session takes about 45 kB."""

OPENING_BYTES = 64 * 1024
"""The limit of the message that opens a session: its description of the client is kept as long as the session."""


class BoundedSessions(StreamableHTTPSessionManager):
    """The SDK's sessions, with an additional limit for each principal.

    A principal at its limit loses the idle session that it has not used for longest: its client gets a 404 and opens
    another, as the specification asks. If all of its sessions are in use, the new one is refused with 503. `refusals`
    counts both, as `session_gave_way` and `too_many_sessions`.
    """

    def __init__(
        self, server: Server[Any], refusals: Refusals, *, per_principal: int = PER_PRINCIPAL, **options: Any
    ) -> None:
        _free_ended_sessions()
        super().__init__(server, max_sessions=IN_ALL, **options)
        self._refusals = refusals
        self._per_principal = per_principal

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        own = [name for name in self._server_instances if self._session_owners.get(name) == requestor]
        admitted = None
        if len(own) < self._per_principal or self._end_least_recent(own):
            admitted = super()._admit_session(requestor)
        if admitted is None:
            self._refusals.count("too_many_sessions", None)
        return admitted

    def _end_least_recent(self, names: list[str]) -> bool:
        idle = [name for name in names if _idle_until(self._server_instances[name]) < math.inf]
        if not idle:
            return False
        self._refusals.count("session_gave_way", None)
        least = min(idle, key=lambda name: _idle_until(self._server_instances[name]))
        transport = self._server_instances.pop(least)  # its task is cancelled below, and ends later
        self._session_owners.pop(least, None)
        assert transport.idle_scope is not None
        transport.idle_scope.cancel()
        return True


def _idle_until(transport: StreamableHTTPServerTransport) -> float:
    """Returns the time at which the session ends if no request comes; infinity while a request is served."""
    return transport.idle_scope.deadline if transport.idle_scope is not None else math.inf


def _free_ended_sessions() -> None:
    """Makes an ended session free its memory at once, and not at the next full garbage collection.

    The SDK keeps a runner's bound methods in the runner itself, a cycle that holds 9 kB for each session. A full
    collection comes once in millions of allocations, by which time sessions that one client opens and leaves would have
    taken hundreds of megabytes. Plain properties hold nothing.
    """
    ServerRunner.on_request = property(lambda runner: runner._on_request)  # pyright: ignore
    ServerRunner.on_notify = property(lambda runner: runner._on_notify)  # pyright: ignore
