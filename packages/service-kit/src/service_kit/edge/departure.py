"""Word of a client that leaves while its request is being answered, without a task that waits for it."""

from __future__ import annotations

from collections.abc import Callable

DEPARTURE = "departure"
"""The key of a request's state under which the server keeps its `Departure`."""


class Departure:
    """Whether the client of one request has left.

    ASGI tells it through `receive`, which takes a task for each request to wait there. The server's protocol knows it
    without one, and says so here.
    """

    __slots__ = ("_tell", "over")

    def __init__(self) -> None:
        self.over = False
        self._tell: Callable[[], None] | None = None

    def watch(self, tell: Callable[[], None]) -> None:
        """Calls `tell` when the client leaves from now on; whether it has left already, `over` says."""
        self._tell = tell

    def unwatch(self) -> None:
        """Calls nothing from now on, and holds nothing that the answer needed."""
        self._tell = None

    def happen(self) -> None:
        """The connection is lost before the answer was complete."""
        self.over = True
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()
