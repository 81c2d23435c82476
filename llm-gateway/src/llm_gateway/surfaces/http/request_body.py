"""What arrives from a client: its body, and word of its leaving."""

from __future__ import annotations

import asyncio

from starlette.types import Receive

from llm_gateway.pipeline.caller import ClientGone, Disconnect


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
    """Tells `disconnect` when the client leaves. It begins with the loop's next turn, so that an answer which waits
    for nothing (a cache hit) does not pay for a task."""

    __slots__ = ("_disconnect", "_receive", "_start", "_task")

    def __init__(self, receive: Receive, disconnect: Disconnect) -> None:
        self._receive = receive
        self._disconnect = disconnect
        self._task: asyncio.Task[None] | None = None
        self._start = asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._disconnect.leave()
                return

    def stop(self) -> None:
        self._start.cancel()
        if self._task is not None:
            self._task.cancel()
            # The task's own traceback leads back here. Without this the answer, which the caller's presence leads to,
            # would stay until the garbage collector comes by, which it seldom does.
            self._task = None
