"""Asks a system for something that costs it no work, every few milliseconds, and remembers the slowest answer.

A loop that is kept from its work answers nothing, so the slowest answer is the longest that the loop stopped, less up
to the time between two probes, plus what the machine's scheduler and the callbacks that were already waiting took.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import cast

import httptools

_EVERY_S = 0.005


class _Connection(asyncio.Protocol):
    """One keep-alive connection; `answered` is of the request in flight and has the status."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[int] | None = None
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(ConnectionResetError("the connection was lost"))


class Prober:
    """Probes `path` until cancelled: one request at a time, the next one 5 ms after the last was sent, or at once where
    that one took longer. `errors` counts the answers that were none, by kind."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self.errors: Counter[str] = Counter()
        self._address = host, port
        self._request = f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n".encode()
        self._longest_s = 0.0
        self._waiting_since: float | None = None

    def longest_ms(self) -> float | None:
        """The slowest answer so far, one that is still awaited included; None before any probe."""
        waiting = 0.0 if self._waiting_since is None else time.perf_counter() - self._waiting_since
        longest = max(self._longest_s, waiting)
        return longest * 1000 if longest else None

    async def run(self) -> None:
        """Probe until cancelled, or until the system refuses to be probed."""
        try:
            _, connection = await asyncio.get_running_loop().create_connection(_Connection, *self._address)
        except OSError:
            self.errors["probe refused"] += 1
            return
        try:
            while self.errors.total() == 0:
                await self._probe(connection)
        finally:
            connection.transport.close()

    async def _probe(self, connection: _Connection) -> None:
        connection.answered = asyncio.get_running_loop().create_future()
        self._waiting_since = began = time.perf_counter()
        connection.transport.write(self._request)
        try:
            status = await connection.answered
        except ConnectionResetError:
            self.errors["probe lost"] += 1
            return
        took = time.perf_counter() - began
        self._waiting_since = None
        self._longest_s = max(self._longest_s, took)
        if status != 200:
            self.errors[f"probe: status {status}"] += 1
        await asyncio.sleep(max(0.0, _EVERY_S - took))
