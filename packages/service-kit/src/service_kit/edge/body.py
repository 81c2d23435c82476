"""Limits on request bodies: the length of one, and the bytes of all that the process holds at once."""

from __future__ import annotations

from typing import NoReturn

from starlette.types import Message, Receive

from service_kit.edge.checks import body_too_large
from service_kit.edge.protocol import REFUSAL
from service_kit.edge.request import EdgeRequest
from service_kit.errors import ApiError

TOTAL_BYTES = 64 * 1024 * 1024
"""The limit for all bodies that arrive in more than one piece. It is raised if one body may be larger than half of
it."""


class BytesInFlight:
    """Counts the bytes of request bodies that are arriving or being answered, in all and by account.

    One account may hold half of the total, or one body of the largest size, so that a single client cannot shut out the
    others.
    """

    def __init__(self, largest_body: int, total: int = TOTAL_BYTES) -> None:
        self._per_account = max(largest_body, total // 2)
        self._total = max(2 * largest_body, total)
        self._held = 0
        self._by_account: dict[str, int] = {}

    def take(self, account: str, size: int) -> bool:
        """Reserves `size` bytes for `account`, and returns whether there was room for them."""
        own = self._by_account.get(account, 0) + size
        if own > self._per_account or self._held + size > self._total:
            return False
        self._by_account[account] = own
        self._held += size
        return True

    def give_back(self, account: str, size: int) -> None:
        """Releases `size` bytes that `take` has reserved for `account`."""
        self._held -= size
        left = self._by_account[account] - size
        if left:
            self._by_account[account] = left
        else:
            del self._by_account[account]


class LimitedBody:
    """An ASGI `receive` that stops a body which is too long, arrives too slowly, or does not fit into memory.

    `error` is the reason why the body was stopped, or None; it becomes the answer, even if the application answers
    otherwise. `close` must be called when the request ends.
    """

    __slots__ = ("_account", "_held", "_in_flight", "_most", "_receive", "_seen", "_state", "error")

    def __init__(self, request: EdgeRequest, receive: Receive, in_flight: BytesInFlight) -> None:
        self._state = request.scope["state"]
        self._account = request.payer
        self._most = request.policy.max_body_bytes
        self._receive = receive
        self._in_flight = in_flight
        self._seen = self._held = 0
        self.error: ApiError | None = None

    async def __call__(self) -> Message:
        message = await self._receive()
        # HttpProtocol has given up on this body, for example because it came too slowly.
        if REFUSAL in self._state and self.error is None:
            self._fail(self._state[REFUSAL])
        size = len(message.get("body", b""))
        if size:
            self._seen += size
            if self._seen > self._most:
                self._fail(body_too_large(self._most))
            if self._held or message.get("more_body"):
                self._hold(size)
        return message

    def _hold(self, size: int) -> None:
        if not self._in_flight.take(self._account, size):
            self._fail(bodies_overload())
        self._held += size

    def _fail(self, error: ApiError) -> NoReturn:
        self._release()
        self.error = error
        raise error

    def close(self) -> None:
        """Releases the bytes that are held for this body. It may be called twice."""
        self._release()
        if self.error is not None:
            # The traceback's frames refer to the pieces read so far and to this object, and this object to the error:
            # a cycle that would keep megabytes alive until the next garbage collection.
            self.error.__traceback__ = None
            self.error = None

    def _release(self) -> None:
        if self._held:
            self._in_flight.give_back(self._account, self._held)
            self._held = 0


def bodies_overload() -> ApiError:
    return ApiError(
        503, "too_many_bytes_in_flight", "The service holds as many request bodies as it can. Try again soon.",
        spanish="El servicio ya retiene todos los cuerpos de petición que puede. Inténtalo dentro de un momento.",
    )  # fmt: skip
