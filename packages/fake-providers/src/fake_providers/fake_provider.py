"""The server that plays a script of behaviors; the base of all fakes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from .behaviors import Behavior
from .exchange import Call, Exchange


class FakeProvider:
    """An ASGI application that plays one behavior for each request, in order, and then `always`, if given.

    `keys` are the valid API keys; without any, every key is valid. A subclass defines in `refusal` what its provider
    refuses, and in `unscripted` the error for a request beyond the script.
    """

    unscripted: Behavior

    def __init__(self, *script: Behavior, always: Behavior | None = None, keys: Sequence[str] = ()) -> None:
        self.calls: list[Call] = []
        self._script = deque(script)
        self._always = always
        self.keys = keys
        self._arrived = asyncio.Condition()
        self._mistakes: list[str] = []

    def then(self, *script: Behavior) -> None:
        """Adds behaviors to the script."""
        self._script.extend(script)

    def check(self) -> None:
        """Raises AssertionError for refused requests, requests beyond the script, and unplayed behaviors."""
        left = [type(behavior).__name__ for behavior in self._script]
        if self._mistakes or left:
            raise AssertionError(f"mistakes: {self._mistakes}; never played: {left}")

    async def call(self, number: int = 0) -> Call:
        """Waits for call `number` and returns it."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.calls) > number)
        return self.calls[number]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        call = Call(scope, await _whole_body(receive))
        async with self._arrived:
            self.calls.append(call)
            self._arrived.notify_all()
        playing = asyncio.ensure_future(self.behavior(call).play(Exchange(call, send)))
        leaving = asyncio.ensure_future(_departure(receive))
        await asyncio.wait([playing, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not call.answered.is_set() and leaving.done():
            call.left.set()
        leaving.cancel()
        if not playing.done():
            playing.cancel()
            return None
        return playing.result()  # a cut is an exception here, at which the server drops the connection

    def behavior(self, call: Call) -> Behavior:
        """What is played for this request."""
        refusal = self.refusal(call)
        if refusal is not None:
            return refusal
        if self._script:
            return self._script.popleft()
        if self._always is None:
            self._mistakes.append(f"request {len(self.calls)} is not in the script")
            return self.unscripted
        return self._always

    def refusal(self, call: Call) -> Behavior | None:
        """Returns the provider's refusal of this request, or None; a refusal is reported by `mistake`."""
        return None

    def mistake(self, what: str) -> None:
        """Records a request that should not have been sent, for `check`."""
        self._mistakes.append(what)


async def _whole_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    for _ in range(2):
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
