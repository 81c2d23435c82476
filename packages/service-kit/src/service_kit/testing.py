"""Real servers for tests, on ephemeral ports of the loopback interface."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


class _Quiet(uvicorn.Server):
    """uvicorn that leaves the test runner's signal handlers alone and stops at once. uvicorn's own shutdown sleeps for
    0.1 s at a time, which a test suite would pay for every server."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leaving = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(0.002)
        except TimeoutError:
            for task in state.tasks:
                task.cancel()
        await self.lifespan.shutdown()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:  # it would end the test runner
            raise RuntimeError("the application did not start; its log says why") from error


@asynccontextmanager
async def running(app: Any, **config: Any) -> AsyncIterator[str]:
    """Runs any ASGI `app` in this event loop until the block ends, and yields its base URL, `http://127.0.0.1:PORT`.
    `config` holds options of `uvicorn.Config`.

    Raises:
        RuntimeError: the application's lifespan failed to start.
    """
    # The protocol is named because asyncio disables Nagle's delay (40 ms per answer) only on sockets that name TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", config.pop("port", 0)))
    options: dict[str, Any] = {
        "log_config": None, "access_log": False, "lifespan": "on", "timeout_graceful_shutdown": 1,
    }  # fmt: skip
    server = _Quiet(uvicorn.Config(app, **{**options, **config}))
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the server ended before it started")
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.leaving.set()
        try:
            await task
        finally:
            listener.close()
