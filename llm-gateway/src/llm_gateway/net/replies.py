"""Answers of providers: whole, or with a body that is still to come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

import msgspec

from llm_gateway.errors import UpstreamError, UpstreamIdleTimeout, UpstreamProtocol
from llm_gateway.net.codings import Inflater, Undecodable, applied
from llm_gateway.net.http1 import Connection
from llm_gateway.net.waiting import news

_MAX_ERROR_BYTES = 64 * 1024
_ERROR_BODY_SECONDS = 2.0
"""How long an error's body is waited for: its status has come already."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STREAM_LIKE = frozenset({"", "text/plain", "application/octet-stream"})


class Reply(msgspec.Struct, frozen=True):
    """A whole HTTP answer; header names are in lower case. `sends`: how often the request went out for it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sends: int = 1


class StreamedReply:
    """An HTTP answer whose body is still to come."""

    def __init__(
        self, connection: Connection, *, ends_at: float, silence: float, max_bytes: int, sends: int = 1
    ) -> None:
        self._connection = connection
        self._ends_at = ends_at
        self._silence = silence
        self._max_bytes = max_bytes
        self._may_end = False
        self._inflater = inflater_of(connection)
        self._now = asyncio.get_running_loop().time
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers
        self.sends = sends

    @property
    def content_type(self) -> str:
        """The media type, in lower case and without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def may_be(self, media_type: str) -> bool:
        """Returns whether the body is to be read as `media_type`: it says so, or says nothing of use, as simple servers
        do."""
        return self.content_type == media_type or self.content_type in _STREAM_LIKE

    async def read(self) -> bytes:
        """Returns the whole body, whatever its type, cut at the limits of an error's. If the status is an error, that
        decides, and a body that breaks off or cannot be decoded is returned as far as it came."""
        pieces: list[bytes] = []
        size = 0
        failed = is_failure(self.status)
        if failed:
            self._ends_at = min(self._ends_at, self._now() + min(_ERROR_BODY_SECONDS, self._silence / 2))
        try:
            async for piece in self._pieces():
                pieces.append(piece)
                size += len(piece)
                if size > _MAX_ERROR_BYTES:
                    break
        except UpstreamError:
            if not failed:
                raise
        return b"".join(pieces)[:_MAX_ERROR_BYTES].removeprefix(_BYTE_ORDER_MARK)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the body as it arrives, without any content coding.

        Raises:
            UpstreamTimeout: silence for longer than is allowed, or the end of the time for the whole answer.
            UpstreamProtocol: the connection broke, or the body is endless, or in no coding that is known.
        """
        size = 0
        async for piece in self._pieces():
            size += len(piece)
            if size > self._max_bytes:
                raise UpstreamProtocol(f"a stream of more than {self._max_bytes} bytes")
            yield piece

    async def _pieces(self) -> AsyncIterator[bytes]:
        while True:
            if self._may_end and self._now() >= self._ends_at:
                return  # what keeps coming (comments, say) would never let the wait for it run out
            try:
                chunk = await self._next()
            except UpstreamError:
                if self._may_end:
                    return
                raise
            if self._inflater is None:
                if chunk is None:
                    return
                yield chunk
                continue
            try:
                for piece in decoded(self._inflater, chunk, chunk is None):
                    yield piece
            except UpstreamProtocol:
                if self._may_end:
                    return
                raise
            if chunk is None:
                return

    async def _next(self) -> bytes | None:
        connection = self._connection
        while True:
            chunk = connection.take()
            if chunk is not None:
                return chunk
            if connection.complete:
                return None
            await news(connection, self._ends_at, self._now() + self._silence, UpstreamIdleTimeout)

    def allow_silence(self, seconds: float) -> None:
        """Sets how long the provider may pause from now on."""
        self._silence = seconds

    def may_end(self, seconds: float) -> None:
        """Nothing more is needed: the body ends, as it should, `seconds` after the first call of this, or when its
        connection breaks, whatever is still sent."""
        if not self._may_end:
            self._may_end = True
            self._ends_at = min(self._ends_at, self._now() + seconds)


def is_failure(status: int) -> bool:
    """Returns whether a status is itself the outcome, whatever its body holds."""
    return not 200 <= status < 300


def inflater_of(connection: Connection) -> Inflater | None:
    """Returns what undoes the content coding of an answer, or None where it has none. A coding that is not known costs
    an answer its body, and a failure only the words in it."""
    codings = applied(connection.headers.get("content-encoding", ""))
    if not codings:
        return None
    try:
        return Inflater(codings)
    except Undecodable as error:
        if is_failure(connection.status):
            return None
        raise UpstreamProtocol(str(error)) from error


def decoded(inflater: Inflater | None, chunk: bytes | None, complete: bool) -> Iterator[bytes]:
    """Yields what `chunk` stands for; `complete` says that it is the last."""
    if inflater is None:
        return
    try:
        if chunk:
            yield from inflater.feed(chunk)
        if complete and (rest := inflater.finish()):
            yield rest
    except Undecodable as error:
        raise UpstreamProtocol(str(error)) from error
