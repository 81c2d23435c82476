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


_CODINGS = frozenset({*_NAMES, "br", "zstd", "compress", "x-compress"})


def applied(field: str) -> str:
    """Returns the content codings that `Content-Encoding` names, without what is none: `identity`, or a character set,
    which some servers write there."""
    if not field:
        return ""
    return ", ".join(name for name in (one.strip().lower() for one in field.split(",")) if name in _CODINGS)


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
        self._inflate = zlib.decompressobj(_NAMES[name])
        self._opening: bytes | None = b"" if name == "deflate" else None
        """What came of the two bytes that tell zlib's frame from none, while they are waited for."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yields what `data` becomes, in pieces of at most 256 KiB.

        Raises:
            Undecodable: it is not in the coding.
        """
        if self._opening is not None:
            data = self._opening = self._opening + data
            if len(data) < 2:
                return
            self._opening = None
            if not _is_zlib(data):
                self._inflate = zlib.decompressobj(_RAW)
        while data and not self._inflate.eof:
            try:
                piece = self._inflate.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise Undecodable(str(error)) from error
            data = self._inflate.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> bytes:
        """Returns the last bytes. Raises Undecodable when the body ended too soon."""
        rest = self._inflate.flush()  # of what was consumed but not given yet: some hundred bytes at most
        if not self._inflate.eof:
            raise Undecodable("a compressed body that ends too soon")
        return rest


def _is_zlib(data: bytes) -> bool:
    """Returns whether zlib's header begins `data` (RFC 1950, 2.2)."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
