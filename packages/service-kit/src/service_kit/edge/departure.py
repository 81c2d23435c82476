"""The end of a connection whose request is being answered: the client leaves, or the service cuts the answer off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from weakref import ReferenceType

DEPARTURE = "departure"
"""The key of a request's state under which the server keeps its `Departure`."""


class AnsweredConnection(Protocol):
    """The server's side of a connection, as the answer to one of its requests sees it."""

    def cut(self, departure: Departure) -> None:
        """Closes the connection if the answer that `departure` belongs to is incomplete."""
        ...


class Departure:
    """Whether the client of one request has left.

    ASGI tells it through `receive`, which takes a task for each request to wait there. The server's protocol knows it
    without one, and says so here.
    """

    __slots__ = ("_connection", "_tell", "over")

    def __init__(self, connection: ReferenceType[AnsweredConnection]) -> None:
        self.over = False
        self._connection = connection  # weak, because the connection holds its request
        self._tell: Callable[[], None] | None = None

    def watch(self, tell: Callable[[], None]) -> None:
        """Calls `tell` when the client leaves from now on; whether it has left already, `over` says."""
        self._tell = tell

    def unwatch(self) -> None:
        """Calls nothing from now on, and holds nothing that the answer needed."""
        self._tell = None

    def cut(self) -> None:
        """Ends the connection in the middle of the answer, which is how HTTP/1.1 says that the rest will not come."""
        connection = self._connection()
        if connection is not None:
            connection.cut(self)

    def happen(self) -> None:
        """The connection is lost before the answer was complete."""
        self.over = True
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()
