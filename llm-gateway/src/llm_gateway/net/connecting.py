"""Makes connections: to an origin directly, or through a proxy, which for TLS is asked for a tunnel (CONNECT).

Source: https://www.rfc-editor.org/rfc/rfc9110#name-connect
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Any, TypeVar, cast

from llm_gateway.net.errors import ConnectFailed, ConnectTimeout, ProxyFailed, ProxyRefused
from llm_gateway.net.http1 import Connection
from llm_gateway.net.proxy import Proxy, Route
from llm_gateway.net.target import Origin

_MAX_REPLY_BYTES = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: |\r\n)")
_END = b"\r\n\r\n"
_P = TypeVar("_P", bound=asyncio.Protocol)


class Connector:
    """Connects, within a limit in time. Certificates are checked against `tls`, or the system's authorities."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._tls = tls

    async def connect(self, route: Route, seconds: float, *, name: str | None = None) -> Connection:
        """Returns a new connection on this route; `name` is what its certificate must be for, if not the origin's host.

        Raises:
            ConnectFailed: the peer cannot be reached, or shows a certificate that is not trusted.
            ProxyFailed: that is the proxy's doing; ProxyRefused, if it wants other credentials.
            ConnectTimeout: not within so many seconds.
        """
        began = self._loop.time()
        try:
            async with asyncio.timeout(seconds):
                connection = await self._connect(route, name or route.origin.host)
        except TimeoutError as error:
            if error.errno is not None:  # the system's own limit, which comes first where `seconds` are many
                raise ConnectFailed(repr(error)) from error
            raise ConnectTimeout(f"not within {seconds} s{_through(route)}") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: the name cannot be one
            raise ConnectFailed(f"{error!r}{_through(route)}") from error
        connection.connect_seconds = self._loop.time() - began
        return connection

    async def _connect(self, route: Route, name: str) -> Connection:
        origin, proxy = route
        if proxy is None:
            return await self._open(Connection(self._loop), origin.host, origin.port, name if origin.secure else None)
        if origin.secure:
            return await self._tunnelled(origin, proxy, name)
        try:
            return await self._open_proxy(Connection(self._loop), proxy)
        except OSError as error:
            raise ProxyFailed(f"the proxy {proxy!r}: {error!r}") from error

    async def _open_proxy(self, protocol: _P, proxy: Proxy) -> _P:
        return await self._open(protocol, proxy.host, proxy.port, proxy.host if proxy.secure else None)

    async def _open(self, protocol: _P, host: str, port: int, name: str | None) -> _P:
        """Connects `protocol`, over TLS if there is a `name` for the certificate."""
        tls: dict[str, Any] = {"ssl": self._context(), "server_hostname": name} if name else {}
        await self._loop.create_connection(lambda: protocol, host, port, **tls)
        return protocol

    async def _tunnelled(self, origin: Origin, proxy: Proxy, name: str) -> Connection:
        """TLS to the origin, in a tunnel that the proxy makes: it sees the origin's name and nothing else."""
        tunnel = _Tunnel(self._loop)
        try:
            await self._open_proxy(tunnel, proxy)
            transport = await tunnel.ask(origin, proxy)
        except OSError as error:
            raise ProxyFailed(f"the proxy {proxy!r}: {error!r}") from error
        finally:
            tunnel.abort_unless_open()
        connection = Connection(self._loop)
        try:
            secured = await self._loop.start_tls(transport, connection, self._context(), server_hostname=name)
        except BaseException:
            transport.abort()
            raise
        if secured is None:
            raise ProxyFailed(f"the proxy {proxy!r} hung up")
        connection.connection_made(secured)
        return connection

    def _context(self) -> ssl.SSLContext:
        """Made when it is first needed: to read the system's authorities takes 30 ms and some megabytes."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _through(route: Route) -> str:
    return f", through the proxy {route.proxy!r}" if route.proxy else ""


class _Tunnel(asyncio.Protocol):
    """The talk with a proxy until there is a tunnel."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._transport: asyncio.Transport | None = None
        self._reply = b""
        self._answered: asyncio.Future[bytes] = loop.create_future()
        self._open = False

    async def ask(self, origin: Origin, proxy: Proxy) -> asyncio.Transport:
        """Returns the transport of the tunnel to `origin`. Raises ProxyFailed."""
        assert self._transport is not None
        authorization = f"proxy-authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
        self._transport.write(
            f"CONNECT {origin.authority} HTTP/1.1\r\nhost: {origin.authority}\r\n{authorization}\r\n".encode("latin-1")
        )
        head, end, rest = (await self._answered).partition(_END)
        status = _STATUS.match(head + b"\r\n")
        if status is None or not end or rest:  # in a tunnel the origin is silent until it is asked
            raise ProxyFailed(f"the proxy {proxy!r} answered CONNECT with what is not HTTP")
        if not status[1].startswith(b"2"):
            kind = ProxyRefused if status[1] == b"407" else ProxyFailed
            raise kind(f"the proxy {proxy!r} refused CONNECT {origin.authority}: {status[1].decode()}")
        self._open = True
        return self._transport

    def abort_unless_open(self) -> None:
        if self._transport is not None and not self._open:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._reply += data
        if self._answered.done():
            return
        if _END in self._reply or len(self._reply) > _MAX_REPLY_BYTES:
            self._answered.set_result(self._reply)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(ProxyFailed(f"the proxy hung up before it answered CONNECT: {exc!r}"))
            self._answered.exception()  # seen, also when a time limit has ended the wait for it
