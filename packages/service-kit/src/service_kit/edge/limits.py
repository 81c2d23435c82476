"""The limits of a connection: bytes of a head, seconds of silence, and connections in all."""

from __future__ import annotations

import resource
from dataclasses import dataclass

_MOST_CONNECTIONS = 4096
"""An open connection takes about 10 kB, so this many take 40 MB."""

_FALLBACK_DESCRIPTORS = 1024


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of every connection, which hold before the request's key, host and origin are known.

    `head_bytes` and `head_fields` bound a head; `head_seconds` run from a request's first byte, or from the start of
    the connection, until the head is complete. A body must continue within `body_idle_seconds`, and after those arrive
    at `body_bytes_per_second` on average. It may have `small_chunks` chunks of any size; with more, its chunks must
    hold `chunk_bytes` on average. An answer that its client does not read for `send_seconds` is cut off.
    `pipelined_requests` may wait behind the one that is being answered. At most `max_connections` are open; when all
    are, idle ones are closed for new ones. A refused client has `linger_seconds` to read the reason, and may send
    `linger_bytes` meanwhile.
    """

    head_bytes: int = 64 * 1024
    head_fields: int = 128
    head_seconds: float = 15.0
    body_idle_seconds: float = 20.0
    body_bytes_per_second: int = 4096
    send_seconds: float = 60.0
    small_chunks: int = 4096
    chunk_bytes: int = 64
    pipelined_requests: int = 32
    max_connections: int = _MOST_CONNECTIONS
    linger_seconds: float = 2.0
    linger_bytes: int = 1024 * 1024

    def within_descriptors(self) -> ConnectionLimits:
        """Returns these limits with `max_connections` at most half of the process's file descriptors: the other half is
        for files and for the connections that answering needs."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        descriptors = soft if soft != resource.RLIM_INFINITY else _FALLBACK_DESCRIPTORS**2
        most = min(self.max_connections, max(16, descriptors // 2))
        return ConnectionLimits(**{**self.__dict__, "max_connections": most})
