"""MCP over the standard streams of a process that the toolbox starts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.upstream.account import Account
from mcp_toolbox.upstream.answers import readable
from mcp_toolbox.upstream.child import Child
from mcp_toolbox.upstream.effort import Effort
from mcp_toolbox.upstream.lines import Lines, TooLong
from mcp_toolbox.upstream.refusals import too_large
from mcp_toolbox.upstream.spec import Command
from mcp_toolbox.upstream.stderr_log import StderrLog

_log = get_logger(__name__)

_CHUNK = 64 * 1024
_STDERR_CHUNK = 4 * 1024
_BUFFERED = 64
_ENVELOPE_BYTES = 64 * 1024
"""The size that a message may have in addition to the result in it."""


class StdioTransport:
    """A transport to a server that the toolbox starts; `open` starts it, and ends it."""

    def __init__(
        self,
        name: str,
        command: Command,
        environ: Mapping[str, str],
        result_bytes: int,
        secrets: Iterable[str],
        account: Account | None = None,
    ) -> None:
        self._account = account
        self._name = name
        self._command = command
        self._environ = environ
        self._limit = result_bytes + _ENVELOPE_BYTES
        self._stderr_log = StderrLog(name, secrets)
        self._child: Child | None = None
        self._called = False
        self.trouble: str | None = None
        self.may_be_sse = False
        self.lost = asyncio.Event()  # never set: without its process there is no session
        self.doubt: Callable[[], None] = lambda: None

    def abandon(self) -> None:
        """Leaves the process to its launcher, if there is no time to end it in order."""
        if self._child is not None:
            self._child.abandon()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TransportStreams]:
        """Starts the server, and opens the streams of messages until the block ends.

        Raises:
            UpstreamUnavailable: the server could not be started.
        """
        self._child = child = await Child.start(self._command, self._environ, self._account)
        _log.info("server started", server=self._name, processId=child.process_id)
        incoming, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, to_send = anyio.create_memory_object_stream[SessionMessage](_BUFFERED)
        try:
            async with incoming, received, outgoing, to_send, anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, child, incoming)
                tasks.start_soon(self._write, child, to_send)
                tasks.start_soon(self._listen, child)
                try:
                    yield received, outgoing
                finally:
                    with anyio.CancelScope(shield=True):
                        await child.stop()
                    tasks.cancel_scope.cancel()
        finally:
            child.abandon()

    async def _read(self, child: Child, incoming: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        lines = Lines(self._limit)
        noise = Effort()
        ended = asyncio.ensure_future(child.wait())
        try:
            async with incoming:
                while data := await _unless(ended, child.stdout):
                    for line in lines.feed(data):
                        with noise.measured():
                            message = self._parsed(line)
                        if message is not None:
                            noise.forget()
                            await incoming.send(message)
                        elif noise.is_due:
                            await noise.rest()
                await self._note_end(ended)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # the client has closed the streams
        finally:
            ended.cancel()

    async def _note_end(self, ended: asyncio.Future[int | None]) -> None:
        """Notes why the output has ended; usually the process ends a moment later."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                code = await asyncio.shield(ended)
            self.trouble = "its process ended" if code is None else f"its process ended with exit code {code}"
            return
        self.trouble = "its process closed its output"

    def _parsed(self, line: bytes | TooLong) -> SessionMessage | None:
        if isinstance(line, TooLong):
            return self._refused(line)
        if not line.strip():
            return None
        message = readable(line)
        if message is None:
            self._note_noise(line)
            return None
        return SessionMessage(message)

    def _note_noise(self, line: bytes) -> None:
        """Logs what a server prints between its messages; many print a greeting. What might be a part of a result has
        its size logged alone."""
        if self._called or line.lstrip()[:1] in (b"{", b"[", b'"', b"}", b"]"):
            self._stderr_log.say_size(line)
        else:
            self._stderr_log.say(line)

    def _refused(self, line: TooLong) -> SessionMessage | None:
        _log.warning("message too large", server=self._name, bytes=line.size)
        if line.answers is None:
            return None
        return SessionMessage(JSONRPCError.model_validate(too_large(line.answers, line.size)))

    async def _write(self, child: Child, to_send: MemoryObjectReceiveStream[SessionMessage]) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            async for message in to_send:
                try:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                except ValueError:
                    _log.warning("message cannot be written", server=self._name)
                    continue
                self._called = self._called or getattr(message.message, "method", None) == "tools/call"
                child.stdin.write(text.encode() + b"\n")
                await child.stdin.drain()

    async def _listen(self, child: Child) -> None:
        lines = Lines(_CHUNK)
        effort = Effort()
        while data := await child.stderr.read(_STDERR_CHUNK):
            with effort.measured():
                for line in lines.feed(data):
                    self._stderr_log.say(line.head if isinstance(line, TooLong) else line)
            if effort.is_due:
                await effort.rest()


async def _unless(ended: asyncio.Future[int | None], stream: asyncio.StreamReader) -> bytes:
    """Returns the next output of `stream`, or nothing once the process has ended. A descendant may keep the stream
    open, but its output is not awaited."""
    reading = asyncio.ensure_future(stream.read(_CHUNK))
    try:
        await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            await asyncio.wait({reading}, timeout=0.1)
        return reading.result() if reading.done() else b""
    finally:
        reading.cancel()
