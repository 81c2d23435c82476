"""The end of a connection whose request is being answered: the client leaves, or the service cuts the answer off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, cast
from weakref import ReferenceType

from starlette.types import Scope

from service_kit.errors import ApiError

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
        self._tell: Callable[[], object] | None = None

    def watch(self, tell: Callable[[], object]) -> None:
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


class ClientLeft(ApiError):
    """The client left before it was answered. The status, 499, is for records: no client reads it."""

    def __init__(self) -> None:
        super().__init__(499, "client_closed_request", "The client left before it was answered.")


@contextmanager
def cancelled_on_departure(scope: Scope) -> Iterator[None]:
    """Cancels the block, in the task that it runs in, when the client of this request leaves.

    Raises:
        ClientLeft: the client left, and the block was cancelled or has not begun.
    """
    departure: Departure | None = scope.get("state", {}).get(DEPARTURE)
    if departure is None:  # the request did not come through a server's protocol of ours
        yield
        return
    if departure.over:
        raise ClientLeft
    task = cast("asyncio.Task[object]", asyncio.current_task())
    departure.watch(task.cancel)
    try:
        yield
    except asyncio.CancelledError:
        if not departure.over:
            raise  # the server stops
        task.uncancel()
        raise ClientLeft from None
    finally:
        departure.unwatch()
