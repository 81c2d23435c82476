"""Which web pages may talk to a service."""

from __future__ import annotations

from collections.abc import Iterable


class OriginRule:
    """Allows the listed origins and the service's own pages.

    A request without an Origin does not come from a page and passes. `null` (a page opened from disk, a
    sandboxed frame, any hostile page that wants it) never passes here: see `EdgeMiddleware`.
    """

    def __init__(self, allowed: Iterable[str], *, allow_all: bool = False) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self._all = allow_all or "*" in self._allowed

    def allows(self, origin: str | None, host: str | None) -> bool:
        if origin is None or self._all:
            return True
        origin = origin.lower()
        if origin in self._allowed:
            return True
        return host is not None and origin.partition("://")[2] == host.lower() and origin.startswith("http")
