"""A stream of server-sent events without messages that are too large, so that each of them fails its own call and not
the whole stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx2
from mcp.types import jsonrpc_message_adapter
from pydantic_core import to_json

from mcp_toolbox.upstream.answers import readable
from mcp_toolbox.upstream.lines import Lines, TooLong
from mcp_toolbox.upstream.refusals import too_large

_FIELD = b"data:"


class BoundedEvents(httpx2.AsyncByteStream):
    """The body of `response`, line by line. A line of more than `limit` bytes becomes an error for the call that it
    answers. `ended` is called when the server has ended the stream."""

    def __init__(self, response: httpx2.Response, limit: int, ended: Callable[[], None]) -> None:
        self._response = response
        self._lines = Lines(limit)
        self._ended = ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.aiter_bytes():
                found = [self._kept(line) for line in self._lines.feed(part)]
                if found:
                    yield b"".join(found)
        except httpx2.TransportError:
            self._ended()
            raise
        self._ended()
        yield self._lines.rest

    async def aclose(self) -> None:
        await self._response.aclose()

    @staticmethod
    def _readable(line: bytes) -> bytes:
        """Returns a line as it is, or with a message that the SDK can read in its place."""
        if not line.startswith(_FIELD):
            return line
        data = line.removeprefix(_FIELD).strip()
        try:
            jsonrpc_message_adapter.validate_json(data, by_name=False)
        except ValueError:
            if (message := readable(data)) is not None:
                return _FIELD + message.model_dump_json(by_alias=True, exclude_unset=True).encode()
        return line

    def _kept(self, line: bytes | TooLong) -> bytes:
        if isinstance(line, bytes):
            return self._readable(line) + b"\n"
        answers = TooLong(line.size, line.head.removeprefix(_FIELD), line.tail.rstrip(b"\r")).answers
        return b"" if answers is None else _FIELD + to_json(too_large(answers, line.size)) + b"\n"
