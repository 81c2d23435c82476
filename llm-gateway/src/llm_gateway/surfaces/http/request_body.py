"""What arrives from a client: its body, and word of its leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import Receive

from llm_gateway.pipeline.caller import ClientGone


async def read_body(receive: Receive) -> bytes:
    """The whole body; raises ClientGone when it does not come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    chunks = [body]
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


class Watch:
    """What `Departure` is, under a server that has none: a task waits for ASGI's word. It begins with the loop's next
    turn, so that an answer which waits for nothing (a cache hit) does not pay for it."""

    __slots__ = ("_receive", "_start", "_task", "_tell", "over")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._tell: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._start: asyncio.Handle | None = None
        self.over = False

    def watch(self, tell: Callable[[], None]) -> None:
        """Calls `tell` when the client leaves."""
        self._tell = tell
        self._start = asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.over = True
                if self._tell is not None:
                    self._tell()
                return

    def unwatch(self) -> None:
        """Calls nothing from now on."""
        self._tell = None
        if self._start is not None:
            self._start.cancel()
        if self._task is not None:
            self._task.cancel()
            # The task's own traceback leads back here. Without this the answer, which the caller's presence leads to,
            # would stay until the garbage collector comes by, which it seldom does.
            self._task = None
