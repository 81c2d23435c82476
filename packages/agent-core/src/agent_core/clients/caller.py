"""On whose behalf a service is called."""

from __future__ import annotations

import msgspec


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The end user, the request and the trace that a call to another service belongs to."""

    user: str = ""
    request_id: str = ""
    traceparent: str | None = None

    def headers(self) -> dict[str, str]:
        """Returns the caller as HTTP headers; a value that a header cannot carry is left out."""
        given = {"X-User-ID": self.user, "X-Request-ID": self.request_id, "traceparent": self.traceparent or ""}
        return {name: value for name, value in given.items() if value.isascii() and value.isprintable() and value}
