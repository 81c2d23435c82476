"""What a request asks of the mock, written into its prompt, so that it survives any gateway on the way.

A gateway forwards the messages and little else, so the scenario travels in the text of the user's message, as one
marker of fixed width. Fixed width keeps every body of a run the same length, and lets both ends slice, not parse.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NONCE_DIGITS = 12
TOKEN = "tok "  # in every streamed chunk; both ends count it, so a lost or doubled one is an error, not a figure

_OPEN = b"[bench "
_PATTERN = re.compile(rb"\[bench ([0-9a-f]{12}) chunks=(\d{5}) gap_ms=(\d{4}) calls=(\d{2})\]")


class Ask(NamedTuple):
    """One request's order to the mock: `nonce` comes back in the answer, which proves whose answer it is."""

    nonce: bytes
    chunks: int
    gap_ms: int
    calls: int


def nonce(number: int) -> bytes:
    """Twelve hexadecimal digits."""
    return b"%012x" % (number & 0xFFFFFFFFFFFF)


def digits(number: int) -> bytes:
    """Twelve decimal digits, as wide as a nonce."""
    return b"%012d" % (number % 10**NONCE_DIGITS)


def write(value: bytes, *, chunks: int = 1, gap_ms: int = 0, calls: int = 0) -> str:
    """The marker: `chunks` streamed tokens, `gap_ms` between two of them, `calls` tool calls before the answer."""
    return f"[bench {value.decode()} chunks={chunks:05d} gap_ms={gap_ms:04d} calls={calls:02d}]"


def read(body: bytes) -> Ask | None:
    """The last marker in a request's body, or None: earlier turns of a conversation may carry older ones."""
    start = body.rfind(_OPEN)
    found = _PATTERN.match(body, start) if start >= 0 else None
    if found is None:
        return None
    value, chunks, gap_ms, calls = found.groups()
    return Ask(nonce=value, chunks=int(chunks), gap_ms=int(gap_ms), calls=int(calls))
