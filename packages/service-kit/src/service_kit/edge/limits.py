"""How much of a connection one client may take: bytes of a head, seconds of silence, connections in all."""

from __future__ import annotations

import resource
from dataclasses import dataclass

_MOST_CONNECTIONS = 4096
"""An open connection costs some 10 kB, so this many cost 40 MB."""

_FALLBACK_DESCRIPTORS = 1024


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of every connection, before a request's key, host and origin are known.

    `head_seconds` run from a request's first byte, or from the connection's start, until its head is complete.
    A body must go on within `body_idle_seconds`, and after those come at `body_bytes_per_second` on average.
    An answer that its client does not take for `send_seconds` is cut. `max_connections` are open at most; the
    oldest that asks for nothing gives way to a new one. `linger_seconds` is how long a refused client may take to
    read why, `linger_bytes` what it may go on sending meanwhile.
    """

    head_bytes: int = 64 * 1024
    head_fields: int = 128
    head_seconds: float = 15.0
    body_idle_seconds: float = 20.0
    body_bytes_per_second: int = 4096
    send_seconds: float = 60.0
    pipelined_requests: int = 32
    max_connections: int = _MOST_CONNECTIONS
    linger_seconds: float = 2.0
    linger_bytes: int = 1024 * 1024

    def within_descriptors(self) -> ConnectionLimits:
        """These limits, with at most half of the process's descriptors for clients: the other half is for files
        and for the connections that answering needs."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        descriptors = soft if soft != resource.RLIM_INFINITY else _FALLBACK_DESCRIPTORS**2
        most = min(self.max_connections, max(16, descriptors // 2))
        return ConnectionLimits(**{**self.__dict__, "max_connections": most})
