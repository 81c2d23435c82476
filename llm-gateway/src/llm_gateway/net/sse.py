"""Server-sent events, incrementally: any split of the bytes gives the same events.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from llm_gateway.errors import UpstreamProtocol

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SseDecoder:
    """Bytes in, the `data` of whole events out; comments, ids and event names are passed over.

    An event larger than `max_bytes` raises UpstreamProtocol, so that a peer cannot fill our memory.
    """

    __slots__ = ("_begun", "_data", "_max_bytes", "_rest", "_size")

    def __init__(self, max_bytes: int) -> None:
        self._begun = False
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._max_bytes = max_bytes

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event that is complete with this chunk."""
        text = self._rest + chunk
        if not self._begun:  # one byte order mark may stand before everything
            if len(text) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(text):
                self._rest = text
                return []
            self._begun = True
            text = text.removeprefix(_BYTE_ORDER_MARK)
        held = b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # may be the first half of \r\n
                text, held = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        self._rest = rest + held
        self._check(len(self._rest))
        return [data for line in lines if (data := self._line(line)) is not None]

    def finish(self) -> list[bytes]:
        """What a stream that ended without its last blank line still holds."""
        lines = [self._rest.rstrip(b"\r"), b""]
        self._rest = b""
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
