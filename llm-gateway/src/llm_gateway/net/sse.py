"""Server-sent events, incrementally: any split of the bytes gives the same events.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from llm_gateway.errors import UpstreamProtocol

_MARK = b"\xef\xbb\xbf"
"""A byte order mark, of which a stream may have one at its beginning."""


class SseDecoder:
    """Turns bytes into the `data` of whole events; comments, ids and event names are passed over.

    An event larger than `max_bytes` raises UpstreamProtocol, so that a peer cannot fill the memory.
    """

    __slots__ = ("_begun", "_data", "_held", "_max_bytes", "_rest", "_rest_size", "_size")

    def __init__(self, max_bytes: int) -> None:
        self._begun = False
        self._rest: list[bytes] = []  # of a line that has not ended
        self._rest_size = 0
        self._held = b""  # a carriage return at the end of a chunk
        self._data: list[bytes] = []
        self._size = 0
        self._max_bytes = max_bytes

    def feed(self, chunk: bytes) -> list[bytes]:
        """Returns the data of every event that is complete with this chunk."""
        if not (self._held or b"\n" in chunk or b"\r" in chunk):  # joined once, at the line's end: a line may be long
            self._rest.append(chunk)
            self._rest_size += len(chunk)
            self._check(self._rest_size)
            return []
        text = b"".join((*self._rest, self._held, chunk)) if self._rest or self._held else chunk
        if not self._begun and len(text) >= len(_MARK):
            self._begun, text = True, text.removeprefix(_MARK)
        self._held = b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # may be the first half of \r\n
                text, self._held = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        if rest:
            self._rest, self._rest_size = [rest], len(rest)
            self._check(self._rest_size)
        elif self._rest:
            self._rest, self._rest_size = [], 0
        return [data for line in lines if (data := self._line(line)) is not None]

    def finish(self) -> list[bytes]:
        """Returns what a stream that ended without its last blank line still holds."""
        lines = [b"".join(self._rest), b""]
        self._rest, self._rest_size, self._held = [], 0, b""
        return [data for line in lines if (data := self._line(line)) is not None]

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            if not self._data:
                return None
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            self._data, self._size = [], 0
            return data
        if line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
            self._size += len(value)
            self._check(self._size)
            self._data.append(value)
        elif line == b"data":
            self._data.append(b"")
        return None

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise UpstreamProtocol(f"a server-sent event of more than {self._max_bytes} bytes")
