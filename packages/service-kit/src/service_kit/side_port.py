"""A second port of a service, served for the length of a block beside the service's own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from starlette.types import ASGIApp

from service_kit.edge.connections import Connections
from service_kit.service import BoundedServer, server_config
from service_kit.settings import ServiceSettings


@asynccontextmanager
async def side_port(
    app: ASGIApp, settings: ServiceSettings, port: int, connections: Connections, name: str, **overrides: Any
) -> AsyncIterator[int]:
    """Serves `app` on `port` of the service's host, and yields the real port. Signals are left to the service's own
    server; `name` is that of the task, and `overrides` are options of `uvicorn.Config`.

    Raises:
        OSError: the port is taken.
    """
    listener = _listener(settings.host.strip("[]"), port)
    real = listener.getsockname()[1]
    config = server_config(app, settings, connections, port=real, lifespan="off", **overrides)
    server = _Server(config, connections)
    serving = asyncio.create_task(server.serve([listener]), name=name)
    try:
        yield real
    finally:
        server.should_exit = True
        await serving
        listener.close()


def _listener(host: str, port: int) -> socket.socket:
    """Bound here, so that a port that is taken stops the start, and connections that come early wait."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


class _Server(BoundedServer):
    """A server that leaves signals to the service's own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
