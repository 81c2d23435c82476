"""The two ends of the wire, bare sockets both, so that nothing between the gateway and a recording tidies bytes up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}


@dataclass(frozen=True)
class Message:
    """A request or an answer as it arrived: its first line, its headers in order, and its body without framing.

    `whole` says that the body came to its end as its framing promised.
    """

    first_line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool = True

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known.lower() == name), None)


@dataclass(frozen=True)
class Canned:
    """What a provider answers. With `cut` the connection ends in the middle of the body."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False

    @property
    def encoded(self) -> bytes:
        """The answer in chunked framing; without the last chunk where it is cut."""
        headers = {"content-type": self.content_type, **self.headers, "transfer-encoding": "chunked"}
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Error')}"]
        head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items())])
        chunk = b"%x\r\n%b\r\n" % (len(self.body), self.body)
        return head.encode() + b"\r\n\r\n" + chunk + (b"" if self.cut else b"0\r\n\r\n")


class Upstream:
    """A provider that gives `answer` to whatever it is asked, and keeps what that was in `received`."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Canned | None = None
        self.received: list[Message] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Listens for the length of the block; yields its base URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            self.url = f"http://{host}:{port}"
            yield self.url

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_message(reader)) is not None:
                self.received.append(request)
                assert self.answer is not None, "the provider was asked where it should not have been"
                writer.write(self.answer.encoded)
                await writer.drain()
                if self.answer.cut:
                    break
        finally:
            writer.close()


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message of a connection, or None where it has ended. Without a length, the end ends the body."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    bare = Message(first_line, headers, b"")
    if (bare.header("transfer-encoding") or "") == "chunked":
        body, whole = await _read_chunks(reader)
        return Message(first_line, headers, body, whole)
    return Message(first_line, headers, await reader.readexactly(int(bare.header("content-length") or 0)))


async def _read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    body = b""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return body, True
    return body, False


async def ask(url: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Message:
    """One request on a connection of its own, and the answer."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        fields = {"host": "localhost", "content-length": str(len(body)), "connection": "close", **headers}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(head.encode() + b"\r\n" + body)
        answer = await asyncio.wait_for(read_message(reader), 20)
        assert answer is not None, "the gateway ended the connection without an answer"
        return answer
    finally:
        writer.close()
