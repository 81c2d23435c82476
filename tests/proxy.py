"""A real forward proxy on loopback: CONNECT and absolute addresses, with a password if it wants one."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.peers import listening

_END = b"\r\n\r\n"


def basic(user: str, password: str) -> str:
    """The value of Proxy-Authorization for these."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


@dataclass
class ForwardProxy:
    """Sends everything to loopback, whatever name was asked for, as a proxy with a resolver of its own would.

    `wants` is the value of Proxy-Authorization without which it answers 407. `heads` are those that came.
    """

    wants: str | None = None
    port: int = 0
    heads: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def asked(self) -> list[str]:
        """Method and target of every request."""
        return [" ".join(head.split(" ")[:2]) for head in self.heads]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(_END)).decode("latin-1")
                self.heads.append(head)
                if self.wants not in (None, _authorization(head)):
                    writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
                    return await writer.drain()
                method, target, _ = head.split(" ", 2)
                if method == "CONNECT":
                    return await self._tunnel(int(target.rpartition(":")[2]), reader, writer)
                await self._forward(head, target, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two sides has left
        finally:
            writer.close()

    async def _forward(
        self, head: str, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One request with a body of a known length, and its answer with one."""
        parts = urlsplit(target)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", parts.port or 80)
        lines = [line for line in head.split("\r\n") if not line.lower().startswith("proxy-")]
        lines[0] = lines[0].replace(f"http://{parts.netloc}", "", 1)
        there_writer.write("\r\n".join(lines).encode("latin-1") + await reader.readexactly(_length(head)))
        answer = await there_reader.readuntil(_END)
        writer.write(answer + await there_reader.readexactly(_length(answer.decode("latin-1"))))
        there_writer.close()

    async def _tunnel(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        finally:
            there_writer.close()


def _authorization(head: str) -> str:
    lines = (line.partition(": ") for line in head.split("\r\n"))
    return next((value for name, _, value in lines if name.lower() == "proxy-authorization"), "")


def _length(head: str) -> int:
    return next(int(line.split(":")[1]) for line in head.lower().split("\r\n") if line.startswith("content-length:"))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def proxying(*, wants: str | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[ForwardProxy]:
    """The proxy, running; over TLS itself with `tls`."""
    proxy = ForwardProxy(wants)
    async with listening(proxy.serve, tls=tls) as port:
        proxy.port = port
        yield proxy
