"""A stream of bytes as lines, with a bound on the memory for one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENDS = 256


@dataclass(frozen=True)
class TooLong:
    """A line that was too long to keep: its size in bytes, and its first and last bytes."""

    size: int
    head: bytes
    tail: bytes

    @property
    def answers(self) -> int | None:
        """The id of the request that this line answers, if its two ends tell; servers write the id first or last."""
        for end, place in ((self.tail, _LAST_ID), (self.head, _FIRST_ID)):
            if found := place.search(end):
                return int(found[1])
        return None


_FIRST_ID = re.compile(rb'^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,18})\s*,')
_LAST_ID = re.compile(rb',\s*"id"\s*:\s*(\d{1,18})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$')


class Lines:
    """Splits bytes into lines of at most `limit` bytes; longer ones are counted and dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._head = self._tail = b""

    @property
    def rest(self) -> bytes:
        """The bytes of a line that has not ended; empty if it is already too long."""
        return b"".join(self._parts)

    def feed(self, data: bytes) -> Iterator[bytes | TooLong]:
        """Yields the lines that `data` completes, without their line ends."""
        *complete, rest = data.split(b"\n")
        for part in complete:
            self._add(part)
            yield self._taken()
        self._add(rest)

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._limit:
            self._parts.append(part)
            return
        kept = b"".join(self._parts)
        if kept:
            self._head, self._tail = kept[:_ENDS], kept[-_ENDS:]
            self._parts = []
        self._head = (self._head + part[:_ENDS])[:_ENDS]
        self._tail = (self._tail + part[-_ENDS:])[-_ENDS:]

    def _taken(self) -> bytes | TooLong:
        line = b"".join(self._parts) if self._size <= self._limit else TooLong(self._size, self._head, self._tail)
        self._parts, self._size, self._head, self._tail = [], 0, b"", b""
        return line
