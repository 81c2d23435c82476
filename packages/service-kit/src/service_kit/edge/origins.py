"""The web pages that may call a service."""

from __future__ import annotations

from collections.abc import Iterable


class OriginRule:
    """Allows pages of the listed origins and the service's own pages.

    A request without an Origin does not come from a page and passes. The origin `null` passes only if it is listed or
    all origins are: pages opened from disk have it, but so do sandboxed frames of any site. The check `origin` lets it
    in with a secret.
    """

    def __init__(self, allowed: Iterable[str], *, allow_all: bool = False) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self._all = allow_all or "*" in self._allowed

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Returns whether a page of `origin` may call the service, which was addressed as `host`."""
        if origin is None or self._all:
            return True
        origin = origin.lower()
        if origin in self._allowed:
            return True
        return host is not None and origin.partition("://")[2] == host.lower() and origin.startswith("http")
