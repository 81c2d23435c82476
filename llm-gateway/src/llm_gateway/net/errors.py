"""What can go wrong on the way to a peer, named as httpcore names it.

These are the network's own errors; `transport` translates them, once, into the gateway's.
"""

from __future__ import annotations


class PoolTimeout(Exception):
    """No connection became free in time, or too many requests wait for one already."""


class ConnectTimeout(Exception):
    """No connection was made in time."""


class ConnectFailed(Exception):
    """No connection could be made."""


class ProxyFailed(ConnectFailed):
    """The proxy could not be reached, did not speak HTTP, or refused to connect."""


class ProxyRefused(ProxyFailed):
    """The proxy wants other credentials (407), which asking again does not change."""


class Broken(Exception):
    """The connection ended before the answer did; `begun` says whether any of the answer had come, `silence` for how
    many seconds nothing had come before that."""

    def __init__(self, reason: str, *, begun: bool, silence: float = 0.0) -> None:
        super().__init__(reason)
        self.begun = begun
        self.silence = silence


class Malformed(Exception):
    """What came is not HTTP, or HTTP that two readers could understand differently."""
