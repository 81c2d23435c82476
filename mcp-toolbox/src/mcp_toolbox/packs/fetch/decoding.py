"""Unpacking a body without ever holding more of it than is allowed."""

from __future__ import annotations

import zlib

from mcp_toolbox.packs.fetch.errors import NotFetched

_MOST_MEMBERS = 1000
"""Each one costs a copy of what is behind it."""


class Decoder:
    """Unpacks a body of one content coding; its result has at most `max_bytes`."""

    def __init__(self, coding: str, max_bytes: int) -> None:
        coding = coding.strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise NotFetched("coding")
        self._packed = coding not in ("", "identity")
        # 32: the header says whether it is gzip or zlib. Some servers send deflate without a header.
        self._zlib = zlib.decompressobj(32 + zlib.MAX_WBITS)
        self._coding = coding
        self._members = 1
        self._raw_allowed = coding == "deflate"
        self._head = b""
        self._fed = False
        self._max_bytes = max_bytes
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Takes the next part of the body.

        Raises:
            NotFetched: it is damaged, or has become too large.
        """
        self._fed = self._fed or bool(chunk)
        if not self._packed:
            self._take(chunk)
            return
        while chunk:
            if self._zlib.eof:  # gzip may have several members, one behind the other (RFC 1952 §2.2)
                if self._members == _MOST_MEMBERS:
                    raise NotFetched("damaged", "too many members")
                if self._coding == "deflate" or not chunk.startswith(b"\x1f"):
                    return  # padding, which other readers pass over too
                self._members += 1
                self._zlib = zlib.decompressobj(32 + zlib.MAX_WBITS)
            self._take(self._unpacked(chunk))
            chunk = self._zlib.unused_data

    def _take(self, part: bytes) -> None:
        self._body += part
        if len(self._body) > self._max_bytes:
            raise NotFetched("too_large", bytes=self._max_bytes)

    def _unpacked(self, chunk: bytes) -> bytes:
        room = self._max_bytes - len(self._body) + 1  # one more than allowed shows that there is too much
        try:
            part = self._zlib.decompress(chunk, room)
        except zlib.error as error:
            if not self._raw_allowed or self._body:
                raise NotFetched("damaged", repr(error)) from None
        else:
            if self._raw_allowed:  # what shows that there is no header may come in the next chunk
                self._head += chunk
                self._raw_allowed = not self._body and not part and len(self._head) < 2
            return part
        self._raw_allowed = False
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._unpacked(self._head + chunk)

    def finished(self) -> bytes:
        """Returns the whole body.

        Raises:
            NotFetched: its end is missing.
        """
        if self._packed and not self._zlib.eof and self._fed:
            raise NotFetched("damaged", "cut off")
        return bytes(self._body)
