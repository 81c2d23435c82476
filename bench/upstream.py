"""The mock upstream: every provider's API, and a gateway's native stream, answered at once.

`python -m bench.upstream` binds a free loopback port, prints it, and serves until SIGTERM. It speaks HTTP straight
on asyncio's transports, because it must never be the slowest part of what is measured.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Iterator
from typing import cast

import httptools
import uvloop

from bench import answers, marker, vendors

_TOOL_RESULT = re.compile(rb'"role":\s*"tool"')
_USAGE = re.compile(rb'"include_usage":\s*true')
_STREAM = re.compile(rb'"stream":\s*true')


class Mock:
    """What all connections share: the answers, and how many completions were asked for."""

    def __init__(self) -> None:
        self.completions = 0
        self._chat = answers.OpenAIChat()
        self._native = answers.NativeStream()
        self._vendors = {start: vendor() for start, vendor in vendors.VENDORS.items()}
        self._fixed = {
            b"/v1/models": answers.json_response(answers.MODELS),
            b"/mcp/llm/list": answers.json_response(answers.NATIVE_MODELS),
            b"/health": answers.json_response({"status": "healthy", "service": "llm-gateway", "providers": {}}),
            b"/healthz": answers.json_response({"status": "ok"}),
        }

    def answer(self, path: bytes, body: bytes) -> bytes | tuple[Iterator[bytes], float]:
        """A whole response, or the pieces of a stream with the seconds between two of them."""
        path = path.partition(b"?")[0]
        if path in self._fixed:
            return self._fixed[path]
        if path == b"/bench/completions":
            return answers.json_response({"completions": self.completions})
        ask = marker.read(body)
        if ask is None:
            return answers.json_response({"error": {"message": "the prompt has no marker"}}, "400 Bad Request")
        vendor = next((vendor for start, vendor in self._vendors.items() if path.startswith(start)), None)
        if vendor is None and path not in (b"/mcp/llm/generate", b"/v1/chat/completions"):
            return answers.json_response({"error": {"message": "no such path"}}, "404 Not Found")
        self.completions += 1
        if vendor is not None:
            streams = vendor.streams(path, body)
            return (vendor.stream(ask), ask.gap_ms / 1000) if streams else vendor.plain(ask)
        if path == b"/mcp/llm/generate":
            return self._native.stream(ask, calls_made=len(_TOOL_RESULT.findall(body))), ask.gap_ms / 1000
        if _STREAM.search(body):
            return self._chat.stream(ask, usage=_USAGE.search(body) is not None), ask.gap_ms / 1000
        return self._chat.plain(ask)


class Connection(asyncio.Protocol):
    """One client connection: requests one after the other, each answered before the next is read."""

    def __init__(self, mock: Mock, loop: asyncio.AbstractEventLoop) -> None:
        self._mock = mock
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body = b""
        self._next: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface of asyncio.Transport without being one.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next is not None:
            self._next.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    # --- httptools callbacks ---

    def on_message_begin(self) -> None:
        self._path = b""
        self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"expect":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        answer = self._mock.answer(self._path, self._body)
        if isinstance(answer, bytes):
            self._transport.write(answer)
        else:
            self._send_next(*answer)

    def _send_next(self, pieces: Iterator[bytes], gap: float) -> None:
        piece = next(pieces, None)
        if piece is None or self._transport.is_closing():
            self._next = None
            return
        self._transport.write(piece)
        # One piece per turn of the loop, even without a gap: each leaves as a write of its own, as from a model.
        if gap:
            self._next = self._loop.call_later(gap, self._send_next, pieces, gap)
        else:
            self._next = self._loop.call_soon(self._send_next, pieces, gap)


async def listen(mock: Mock) -> asyncio.Server:
    """A server on a free loopback port."""
    loop = asyncio.get_running_loop()
    factory: Callable[[], asyncio.Protocol] = lambda: Connection(mock, loop)  # noqa: E731
    return await loop.create_server(factory, "127.0.0.1", 0, backlog=1024)


def port_of(server: asyncio.Server) -> int:
    return server.sockets[0].getsockname()[1]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await listen(Mock())
    print(port_of(server), flush=True)
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(_serve())
