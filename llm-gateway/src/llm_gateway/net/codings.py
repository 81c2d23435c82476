"""Bodies that came compressed, although identity was asked for.

Nothing here is decoded faster than it is read: what one chunk becomes is given in pieces, so that the reader's own
limit on the size of a body holds for the decoded bytes too, however much smaller they were on the wire.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_PIECE_BYTES = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_NAMES = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}


class Undecodable(Exception):
    """The body is in a coding that is not known here, or is not what its coding promises."""


class Inflater:
    """Undoes one content coding: gzip, or deflate with zlib's frame or without it, as servers disagree on that. What
    follows the end of the coded body is passed over."""

    def __init__(self, coding: str) -> None:
        """Raises Undecodable for a coding that is not known."""
        name = coding.strip().lower()
        if name not in _NAMES:
            raise Undecodable(f"the content coding {coding[:40]!r}, which was not asked for")
        self._may_be_raw = name == "deflate"
        self._inflate = zlib.decompressobj(_NAMES[name])

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` becomes, in pieces of at most 256 KiB.

        Raises:
            Undecodable: it is not in the coding.
        """
        while data and not self._inflate.eof:
            piece = self._decompress(data)
            data = self._inflate.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> bytes:
        """The last bytes. Raises Undecodable when the body ended too soon."""
        rest = self._inflate.flush()  # of what was consumed but not given yet: some hundred bytes at most
        if not self._inflate.eof:
            raise Undecodable("a compressed body that ends too soon")
        return rest

    def _decompress(self, data: bytes) -> bytes:
        try:
            piece = self._inflate.decompress(data, _PIECE_BYTES)
        except zlib.error as error:
            if not self._may_be_raw:
                raise Undecodable(str(error)) from error
            self._may_be_raw = False
            self._inflate = zlib.decompressobj(_RAW)
            return self._decompress(data)
        self._may_be_raw = False
        return piece
