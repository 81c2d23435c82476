"""Entries made smaller with zstandard (RFC 8878). Python has it from 3.14 on; before that, its backport has."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESS_FROM_BYTES = 4096
"""Below that an entry gains little, and every hit pays for it."""
_LEVEL = 1
_MOST_BYTES = 64 * 1024 * 1024
"""An entry that claims to be larger is not one of ours."""


def compress(data: bytes) -> bytes:
    """Returns `data` as one zstandard frame, which tells its size."""
    return zstd.compress(data, _LEVEL)


def decompress(frame: bytes) -> bytes | None:
    """Returns the data of one frame; None if it is broken, or larger than any entry."""
    try:
        size = zstd.get_frame_info(frame).decompressed_size
        if size is None or size > _MOST_BYTES:
            return None
        return zstd.decompress(frame)
    except zstd.ZstdError:
        return None
