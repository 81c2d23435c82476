"""Unpacking a body without ever holding more of it than is allowed."""

from __future__ import annotations

import zlib

from mcp_toolbox.packs.fetch.errors import NotFetched


class Decoder:
    """Unpacks a body of one content coding; its result has at most `max_bytes`."""

    def __init__(self, coding: str, max_bytes: int) -> None:
        coding = coding.strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise NotFetched("coding")
        self._packed = coding not in ("", "identity")
        # 32: the header says whether it is gzip or zlib. Some servers send deflate without a header.
        self._zlib = zlib.decompressobj(32 + zlib.MAX_WBITS)
        self._raw_allowed = coding == "deflate"
        self._max_bytes = max_bytes
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Takes the next part of the body.

        Raises:
            NotFetched: it is damaged, or has become too large.
        """
        self._body += self._unpacked(chunk) if self._packed else chunk
        if len(self._body) > self._max_bytes:
            raise NotFetched("too_large", bytes=self._max_bytes)

    def _unpacked(self, chunk: bytes) -> bytes:
        room = self._max_bytes - len(self._body) + 1  # one more than allowed shows that there is too much
        try:
            return self._zlib.decompress(chunk, room)
        except zlib.error as error:
            if not self._raw_allowed or self._body:
                raise NotFetched("damaged", repr(error)) from None
        self._raw_allowed = False
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._unpacked(chunk)

    def finished(self) -> bytes:
        """Returns the whole body.

        Raises:
            NotFetched: its end is missing.
        """
        if self._packed and not self._zlib.eof and self._body:
            raise NotFetched("damaged", "cut off")
        return bytes(self._body)
