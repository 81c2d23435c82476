"""The gateway between a client and a provider in memory: its own work alone, without system calls for its pieces.

`python -m bench.in_process` composes the gateway as `python -m llm_gateway` does, and hands bytes to its server's
protocol and to its connections' one. Each line of standard input, `KIND REQUESTS`, is answered by a line with the
processor time a request in microseconds; `KIND REQUESTS profile` adds where it went.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import uvloop

from bench import answers, marker
from bench.profiler import Profiler
from bench.scenarios import request_body
from bench.spec import MARK
from bench.systems import CHAT

PIECES = 22


class Kind(NamedTuple):
    """One way of asking. Unless `repeated`, no cache can answer."""

    chunks: int = 1
    stream: bool = False
    repeated: bool = False


KINDS = {"plain": Kind(), "hit": Kind(repeated=True), "stream": Kind(chunks=PIECES, stream=True)}


class Wrong(Exception):
    """An answer is not the one to its request: no figure comes of that."""


class _Transport(asyncio.Transport):
    """One end of a connection in memory: `heard` gets what is written."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        super().__init__({"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 4_000)})
        self._heard = heard
        self._closing = False

    def write(self, data: Any) -> None:
        self._heard(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self._heard(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    abort = close

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever held back here."""

    def pause_reading(self) -> None:
        """A request or an answer is one piece here, or comes piece by piece as it is read."""

    resume_reading = pause_reading


class _Provider:
    """The other end of the gateway's connections; a stream's pieces come one in each turn of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._chat = answers.OpenAIChat()

    def connect(self, protocol: asyncio.Protocol) -> _Transport:
        transport = _Transport(lambda data: self._answer(protocol, data))
        protocol.connection_made(transport)
        return transport

    def _answer(self, protocol: asyncio.Protocol, request: bytes) -> None:
        ask = marker.read(request)
        if ask is None:
            raise Wrong("a request without its marker, or in two pieces")
        if b'"stream":true' in request:
            self._loop.call_soon(self._next, protocol, self._chat.stream(ask, usage=True))
        else:
            self._loop.call_soon(protocol.data_received, self._chat.plain(ask))

    def _next(self, protocol: asyncio.Protocol, pieces: Iterator[bytes]) -> None:
        piece = next(pieces, None)
        if piece is not None:
            protocol.data_received(piece)
            self._loop.call_soon(self._next, protocol, pieces)


class _Loop(uvloop.Loop):
    """A loop whose connections all lead to the provider in memory."""

    async def create_connection(self, protocol_factory: Any, *where: Any, **how: Any) -> Any:  # type: ignore[override]
        protocol = protocol_factory()
        return _Provider(self).connect(protocol), protocol


class _Client:
    """A client with one request in flight, on one connection that stays."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connect: Callable[[], asyncio.Protocol]) -> None:
        self._loop = loop
        self._protocol = connect()
        self._numbers = itertools.count(1)
        self._protocol.connection_made(_Transport(self._heard))
        self._kind, self._left, self._nonce = Kind(), 0, b""
        self._answer: list[bytes] = []
        self._done = loop.create_future()

    async def ask(self, kind: Kind, requests: int) -> None:
        """Sends so many requests, one after the other. Raises Wrong."""
        self._kind, self._left, self._done = kind, requests, self._loop.create_future()
        self._parts = request_body(CHAT, answers.MODEL, stream=kind.stream).split(MARK)
        self._send()
        await self._done

    def _send(self) -> None:
        self._nonce = marker.nonce(0 if self._kind.repeated else next(self._numbers))
        body = marker.write(self._nonce, chunks=self._kind.chunks).join(self._parts).encode()
        head = (
            f"POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1:80\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self._protocol.data_received(head.encode() + body)

    def _heard(self, data: bytes) -> None:
        self._answer.append(data)
        if data.endswith(b"0\r\n\r\n" if self._kind.stream else b"}"):
            answer, self._answer = b"".join(self._answer), []
            self._loop.call_soon(self._judge, answer)

    def _judge(self, answer: bytes) -> None:
        whole = answer.count(marker.TOKEN.encode()) == self._kind.chunks and b"[DONE]" in answer
        if not answer.startswith(b"HTTP/1.1 200") or self._nonce not in answer or (self._kind.stream and not whole):
            self._done.set_exception(Wrong(answer.decode(errors="replace")[:500]))
            return
        self._left -= 1
        if self._left:
            self._send()
        else:
            self._done.set_result(None)


def _settled() -> None:
    """The garbage collector as the server of this checkout sets it."""
    try:
        garbage = importlib.import_module("service_kit.garbage")
        garbage.settle_garbage_collector()
        getattr(garbage, "leave_generators_unregistered", bool)()
    except ModuleNotFoundError:  # before there was this module, the server itself had these figures
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)


def _logging() -> Any:
    """The logs of this checkout, formatted as ever and thrown away."""
    try:
        logs = importlib.import_module("service_kit.telemetry.logs")
    except ModuleNotFoundError:
        logs = importlib.import_module("service_kit.logs")
    return logs.logging_to("llm-gateway", "INFO", "json", Path(os.devnull).open("w"))


async def _serve() -> None:
    from llm_gateway.app import from_environment
    from service_kit.service import server_config
    from uvicorn.server import ServerState

    loop = asyncio.get_running_loop()
    keys = {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": "http://127.0.0.1:80/v1", "DEFAULT_PROVIDER": "openai"}
    app, settings = from_environment({**keys, "HOST": "127.0.0.1"})
    config = server_config(app, settings)
    config.load()
    async with app.router.lifespan_context(app):
        protocol: Any = config.http_protocol_class
        client = _Client(loop, lambda: protocol(config=config, server_state=ServerState(), app_state={}))
        for kind in KINDS.values():
            await client.ask(kind, 500)
        _settled()
        print("ready", flush=True)
        while order := await asyncio.to_thread(sys.stdin.readline):
            name, requests, *profile = order.split()
            print(msgspec.json.encode(await _measured(client, name, int(requests), bool(profile))).decode(), flush=True)


async def _measured(client: _Client, name: str, requests: int, profile: bool) -> dict[str, Any]:
    if profile:
        with Profiler() as profiler:
            began = time.process_time()
            await client.ask(KINDS[name], requests)
            took = time.process_time() - began
        return {"us": took / requests * 1e6, "where": profiler.shares()}
    began = time.process_time()
    await client.ask(KINDS[name], requests)
    return {"us": (time.process_time() - began) / requests * 1e6}


def main() -> None:
    with _logging(), asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_serve())


if __name__ == "__main__":
    main()
