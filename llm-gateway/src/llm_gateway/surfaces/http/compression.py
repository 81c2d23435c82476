"""Compresses whole answers over 1 KiB for clients that ask for it; streams never, whose pieces must not wait."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Callable
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEAST = 1024
"""In bytes. Below, the answer fits into one packet anyway."""
_LONG = 256 * 1024
"""An answer from this size on is compressed on a thread: that would hold the loop."""
_LONGEST_HEADER = 256
_GZIP = 16 + zlib.MAX_WBITS


def _gzip(data: bytes) -> bytes:
    compressor = zlib.compressobj(4, zlib.DEFLATED, _GZIP)
    return compressor.compress(data) + compressor.flush()


_CODINGS: dict[bytes, Callable[[bytes], bytes]] = {b"zstd": lambda data: zstd.compress(data, 3), b"gzip": _gzip}
"""In the order of our preference, which decides between those that a client likes as much."""


class Compression:
    """ASGI middleware that compresses the answers of `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "HEAD":
            for name, value in scope["headers"]:
                if name == b"accept-encoding":
                    coding = accepted(value)
                    if coding is not None:
                        send = _Compressor(send, coding)
                    break
        await self._app(scope, receive, send)


@lru_cache(maxsize=256)
def accepted(header: bytes) -> bytes | None:
    """Returns the coding that is best for a client with this `Accept-Encoding` (RFC 9110 §12.5.3), or None."""
    if len(header) > _LONGEST_HEADER:
        return None
    wanted: dict[bytes, float] = {}
    for item in header.lower().split(b","):
        name, _, parameter = item.partition(b";")
        wanted[name.strip()] = _weight(parameter.strip())
    others = wanted.get(b"*", 0.0)
    weights = {coding: wanted.get(coding, others) for coding in _CODINGS}
    best = max(weights, key=weights.__getitem__)
    return best if weights[best] > 0 else None


def _weight(parameter: bytes) -> float:
    name, _, value = parameter.partition(b"=")
    if name.strip() != b"q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


class _Compressor:
    """The `send` of one answer: holds its head back until it is known whether the body comes in one piece."""

    __slots__ = ("_coding", "_head", "_send")

    def __init__(self, send: Send, coding: bytes) -> None:
        self._send = send
        self._coding = coding
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        head = self._head
        if message["type"] == "http.response.start" and _compressible(message):
            self._head = message
            return
        if head is None:
            await self._send(message)
            return
        self._head = None
        body = message.get("body", b"")
        if len(body) > _LEAST and not message.get("more_body", False):
            compress = _CODINGS[self._coding]
            packed = compress(body) if len(body) < _LONG else await asyncio.to_thread(compress, body)
            if len(packed) < len(body):
                head = {**head, "headers": _headers(head["headers"], self._coding, len(packed))}
                message = {**message, "body": packed}
        await self._send(head)
        await self._send(message)


def _compressible(head: Message) -> bool:
    kind = b""
    for name, value in head.get("headers", ()):
        if name == b"content-type":
            kind = value.partition(b";")[0]
        elif name == b"content-encoding" or (name == b"cache-control" and b"no-transform" in value):
            return False
    text = kind == b"application/json" or kind.endswith(b"+json") or kind.startswith(b"text/")
    return text and kind != b"text/event-stream"


def _headers(headers: list[tuple[bytes, bytes]], coding: bytes, length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name not in (b"content-length", b"etag")]
    return [
        *kept, (b"content-length", b"%d" % length), (b"content-encoding", coding), (b"vary", b"Accept-Encoding"),
    ]  # fmt: skip
