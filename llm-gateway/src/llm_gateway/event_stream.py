"""AWS's binary event streams, incrementally: any split of the bytes gives the same frames.

The decoder is botocore's; it is imported with the first stream, so that a gateway without AWS never loads it.
Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from llm_gateway.errors import UpstreamProtocol

if TYPE_CHECKING:
    from botocore.eventstream import EventStreamHeaderParser, EventStreamMessage

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_MOST_KNOWN = 32
_OVERHEAD = 16
"""Bytes of a frame that are neither headers nor payload: two lengths and two checksums."""


class Frame(NamedTuple):
    """One message of a stream: an event, an exception that the API describes, or an error that it does not.

    `name` is the event's type, the exception's, or the error's code; `payload` is JSON, for an error plain text.
    """

    kind: Literal["event", "exception", "error"]
    name: str
    payload: bytes


class EventStreamDecoder:
    """Bytes in, whole frames out; a frame larger than `max_bytes` raises UpstreamProtocol, and so does one whose
    checksums or headers are not as they should be."""

    __slots__ = ("_buffer", "_errors", "_held", "_max_bytes")

    def __init__(self, max_bytes: int) -> None:
        from botocore.eventstream import EventStreamBuffer, ParserError

        self._buffer = EventStreamBuffer()
        remembered = _RememberedHeaders(self._buffer._header_parser)
        self._buffer._header_parser = cast("EventStreamHeaderParser", remembered)
        self._errors = (ParserError, KeyError, ValueError, struct.error)
        self._held = 0
        self._max_bytes = max_bytes

    def feed(self, chunk: bytes) -> list[Frame]:
        """Every frame that is complete with this chunk."""
        self._buffer.add_data(chunk)
        self._held += len(chunk)
        frames: list[Frame] = []
        try:
            for message in self._buffer:
                frames.append(_frame(message.headers, message.payload))
                size = _size(message)
                self._held -= size
                self._check(size)
        except self._errors as error:
            raise UpstreamProtocol(f"a broken event stream: {type(error).__name__}: {error}") from error
        self._check(self._held)
        return frames

    def finish(self) -> list[Frame]:
        """Nothing: half a frame says nothing, and whether the stream was whole is for its decoder to say."""
        return []

    def _check(self, size: int) -> None:
        if size > self._max_bytes + _OVERHEAD:
            raise UpstreamProtocol(f"a frame of more than {self._max_bytes} bytes")


class _RememberedHeaders:
    """botocore's parser of headers, asked once for the same bytes: all events of a type have the same, and reading
    them is half the cost of a frame."""

    __slots__ = ("_known", "_parser")

    def __init__(self, parser: EventStreamHeaderParser) -> None:
        self._parser = parser
        self._known: dict[bytes, dict[str, object]] = {}

    def parse(self, data: bytes) -> dict[str, object]:
        found = self._known.get(data)
        if found is None:
            found = self._parser.parse(data)
            if len(self._known) < _MOST_KNOWN:
                self._known[data] = found
        return found


def _size(message: EventStreamMessage) -> int:
    return message.prelude.total_length


def _frame(headers: dict[str, object], payload: bytes) -> Frame:
    match headers.get(":message-type"):
        case "exception":
            return Frame("exception", str(headers.get(":exception-type")), payload)
        case "error":
            return Frame("error", str(headers.get(":error-code")), str(headers.get(":error-message")).encode())
        case "event":
            return Frame("event", str(headers.get(":event-type")), payload)
        case other:
            raise ValueError(f"a message of type {other}")
