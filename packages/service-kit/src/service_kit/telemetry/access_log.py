"""The access log: one line for each request, written in batches after the answers."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from service_kit.background import supervised
from service_kit.telemetry.logs import Line, log_batch

FLUSH_SECONDS = 0.2
_NAME = "service_kit.access"


class Access(msgspec.Struct, frozen=True, gc=False):
    """One request that was answered.

    `at` is in seconds since 1970. `milliseconds` run until the last byte was handed over. `status` is 0 if the client
    left before there was one. `client` is the caller's address. `refused` says whether the edge answered, so that the
    service has not seen the request.
    """

    method: str
    path: str
    status: int
    at: float
    milliseconds: float
    principal: str
    request_id: str
    client: str
    refused: bool = False


class AccessLog:
    """Collects requests, and writes their lines when it is flushed.

    Formatting a line costs more than the whole edge; this way a request pays for one append.
    """

    def __init__(self) -> None:
        self._seen: list[Access] = []

    def observe(self, access: Access) -> None:
        """Records a request; its line is written with the next flush."""
        self._seen.append(access)

    def flush(self) -> None:
        """Logs the recorded requests."""
        if self._seen:
            seen, self._seen = self._seen, []
            log_batch(_NAME, map(line_of, seen))

    @asynccontextmanager
    async def running(self, every_seconds: float = FLUSH_SECONDS) -> AsyncIterator[None]:
        """Flushes every `every_seconds` until the block ends, and once more at the end."""
        try:
            async with supervised("access log", self._turn, every_seconds=every_seconds):
                yield
        finally:
            self.flush()

    async def _turn(self) -> None:
        self.flush()


def line_of(access: Access) -> Line:
    """Returns the log line of a request."""
    fields = {
        "requestId": access.request_id,
        "method": access.method,
        "path": access.path,
        "status": access.status,
        "processingTime": round(access.milliseconds, 2),
        "userId": access.principal,
        "client": access.client,
    }
    return Line(logging.INFO, access.at, "request", fields)
