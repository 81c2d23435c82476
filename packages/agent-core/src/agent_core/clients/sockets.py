"""Network streams for httpcore2 on asyncio's own streams.

httpcore2's default backend goes through anyio, which costs as much processor time for each chunk as parsing it does,
and a stream of tokens is many chunks: 60 of them take 5.7 ms here and 8.9 ms there.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

_READ_AHEAD_BYTES = 256 * 1024


class AsyncioBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections with `asyncio.open_connection`; for event loops of asyncio's kind alone."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore2, here and below
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        async with _translated(httpcore2.ConnectTimeout, httpcore2.ConnectError, timeout):
            reader, writer = await asyncio.open_connection(host, port, limit=_READ_AHEAD_BYTES)
        return _Stream(reader, writer)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Stream(httpcore2.AsyncNetworkStream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        async with _translated(httpcore2.ReadTimeout, httpcore2.ReadError, timeout):
            return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        async with _translated(httpcore2.WriteTimeout, httpcore2.WriteError, timeout):
            self._writer.write(buffer)
            await self._writer.drain()

    async def aclose(self) -> None:
        # At once: the service at the other end stops what it does for a connection that is gone.
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        async with _translated(httpcore2.ConnectTimeout, httpcore2.ConnectError, timeout):
            await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # of an idle connection: the other side has closed it
            return self._reader.at_eof() or self._reader.exception() is not None
        return self._writer.get_extra_info({"client_addr": "sockname", "server_addr": "peername"}.get(info, info))


class _translated:  # noqa: N801 - reads as the function that it replaces
    __slots__ = ("_failure", "_late", "_timeout")

    def __init__(self, late: type[Exception], failure: type[Exception], seconds: float | None) -> None:
        self._late, self._failure = late, failure
        self._timeout = asyncio.timeout(seconds) if seconds is not None else None

    async def __aenter__(self) -> None:
        if self._timeout is not None:
            await self._timeout.__aenter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            if self._timeout is not None:
                await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise self._late(str(late)) from error
        if isinstance(error, OSError):
            raise self._failure(str(error)) from error
