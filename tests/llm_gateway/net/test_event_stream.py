"""AWS's event-stream framing: any split of the bytes gives the same frames, and nothing broken passes."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from binascii import crc32
from itertools import pairwise

import pytest
from botocore.eventstream import EventStreamBuffer, EventStreamHeaderParser, ParserError
from fake_providers.bedrock import Says, event, exception, frame
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.errors import UpstreamProtocol
from llm_gateway.net.event_stream import EventStreamDecoder, Frame

LIMIT = 4096
STREAM = Says(["¡Ho", "la! 👋"], calls=[("t1", "add", '{"a":1}')], reasoning="mmm").stream()
SMALL = event("a", {"x": "ñ"}) + event("b", {}) + exception("throttlingException", "slow down")


def frames(*chunks: bytes, limit: int = LIMIT) -> list[Frame]:
    decoder = EventStreamDecoder(limit)
    found = [one for chunk in chunks for one in decoder.feed(chunk)]
    return found + decoder.finish()


def refused(*chunks: bytes, limit: int = LIMIT) -> str:
    with pytest.raises(UpstreamProtocol) as caught:
        frames(*chunks, limit=limit)
    return caught.value.detail


WHOLE = [
    Frame("event", "a", '{"x":"ñ"}'.encode()),
    Frame("event", "b", b"{}"),
    Frame("exception", "throttlingException", b'{"message":"slow down"}'),
]


def test_a_whole_stream():
    assert frames(SMALL) == WHOLE


@pytest.mark.parametrize("at", range(len(SMALL) + 1))
def test_every_split_in_two(at: int):
    assert frames(SMALL[:at], SMALL[at:]) == WHOLE


def test_byte_by_byte():
    assert frames(*(bytes([byte]) for byte in STREAM)) == frames(STREAM)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_split(cuts: list[int]):
    places = [0, *sorted(cuts), len(STREAM)]
    assert frames(*(STREAM[a:b] for a, b in pairwise(places))) == frames(STREAM)


def test_frames_come_as_soon_as_they_are_whole():
    decoder = EventStreamDecoder(LIMIT)
    first = event("a", {"x": "ñ"})
    assert decoder.feed(SMALL[: len(first) - 1]) == []
    assert decoder.feed(SMALL[len(first) - 1 : len(first) + 20]) == WHOLE[:1]
    assert decoder.finish() == []  # half a frame says nothing; that the stream is cut is its decoder's to notice


def test_errors_that_the_api_does_not_describe():
    headers = {":message-type": "error", ":error-code": "InternalError", ":error-message": "ay"}
    assert frames(frame(headers, b"")) == [Frame("error", "InternalError", b"ay")]


def test_an_empty_payload_and_headers_that_nobody_knows():
    headers = {":message-type": "event", ":event-type": "ping", "x-new": "", "ñ": "ü"}
    assert frames(frame(headers, b"")) == [Frame("event", "ping", b"")]


@pytest.mark.parametrize("at", range(len(event("a", {"x": 1}))))
def test_a_byte_that_is_not_what_was_sent(at: int):
    damaged = bytearray(event("a", {"x": 1}))
    damaged[at] ^= 0x40
    # A length that grew keeps the decoder waiting for more, unless the prelude's own checksum says so first.
    assert "checksum" in refused(bytes(damaged)).lower()


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 64, b"\xff" * 64, b"<html>502 Bad Gateway</html>", b'data: {"choices": []}\n\n', b"{}" * 40],
    ids=["zeros", "ones", "html", "sse", "json"],
)
def test_garbage(garbage: bytes):
    refused(garbage)
    refused(SMALL + garbage)


def _sealed(total: int, headers: int, rest: bytes) -> bytes:
    """A message whose prelude lies, with checksums that hold."""
    prelude = struct.pack("!II", total, headers)
    prelude += struct.pack("!I", crc32(prelude))
    return prelude + rest + struct.pack("!I", crc32(prelude + rest))


@pytest.mark.parametrize(
    "message",
    [
        _sealed(0, 0, b""), _sealed(12, 0, b""), _sealed(16, 400, b""), _sealed(18, 2, b"\x05a"),
        _sealed(19, 3, b"\x01a\x63"), _sealed(21, 5, b"\x01\xff\x07\x00\x00"), _sealed(16, 0, b""),
        frame({":message-type": "event", ":event-type": "a"}, b"")[:-4] + b"\x00\x00\x00\x00",
        frame({":event-type": "a"}, b"{}"), frame({":message-type": "party"}, b"{}"),
        _sealed(20, 4, b"\x01a\x00\x01" ), _sealed(22, 6, b"\x01a\x00\x01a\x00"),
    ],
    ids=["empty", "short", "long headers", "half a name", "unknown type", "not utf-8", "no headers", "no checksum",
         "no message type", "unknown message type", "half a header", "twice the same"],
)  # fmt: skip
def test_frames_that_lie(message: bytes):
    refused(message)


def test_large_frames():
    large = frame({":message-type": "event", ":event-type": "a"}, b"x" * LIMIT)
    assert "of more than" in refused(large)
    assert "of more than" in refused(*(large[at : at + 100] for at in range(0, len(large), 100)))
    claims = _sealed(64 * 1024 * 1024, 0, b"")[:12]
    assert "of more than" in refused(claims)
    assert len(frames(SMALL * 100)) == 300  # many small ones in one chunk are no large one


@given(st.binary(max_size=200))
def test_nothing_but_our_own_error(noise: bytes):
    for chunk in (noise, SMALL + noise):
        try:
            frames(chunk)
        except UpstreamProtocol:
            continue


def test_botocore_is_not_loaded_with_the_gateway():
    program = "import sys, llm_gateway.app, llm_gateway.net.event_stream; sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


_NAMES = st.text(min_size=1, max_size=20)
_TEXTS = st.dictionaries(_NAMES, st.text(max_size=30), max_size=4)


@given(_TEXTS, st.binary(max_size=200), st.sampled_from(["event", "exception"]))
def test_botocore_reads_the_same(headers: dict[str, str], payload: bytes, kind: str):
    sent = frame({**headers, ":message-type": kind, f":{kind}-type": "a"}, payload)
    theirs = EventStreamBuffer()
    theirs.add_data(sent)
    message = next(theirs)
    assert frames(sent) == [Frame(message.headers[":message-type"], message.headers[f":{kind}-type"], message.payload)]


@given(st.binary(max_size=120))
def test_botocore_reads_the_same_of_headers_of_any_type(data: bytes):
    """Whatever bytes the headers are: what we read of them, it reads; what it refuses, so do we."""
    lengths = struct.pack(">II", 16 + len(data), len(data))
    prelude = lengths + struct.pack(">I", crc32(lengths))
    sent = prelude + data + struct.pack(">I", crc32(prelude + data))
    try:
        theirs = EventStreamHeaderParser().parse(data)
    except (ParserError, KeyError, ValueError, struct.error):
        refused(sent)
        return
    if theirs.get(":message-type") not in ("event", "exception", "error"):
        refused(sent)


@pytest.mark.parametrize("number", range(10))
def test_headers_of_every_type_are_passed_over(number: int):
    values = {0: b"", 1: b"", 2: b"x", 3: b"xx", 4: b"x" * 4, 5: b"x" * 8, 6: b"\0\2xx", 8: b"x" * 8, 9: b"x" * 16}
    odd = b"\4some" + bytes([number]) + values.get(number, b"\0\3abc")
    data = odd + b"\r:message-type\7\0\5event" + b"\x0b:event-type\7\0\1a"
    lengths = struct.pack(">II", 16 + len(data), len(data))
    prelude = lengths + struct.pack(">I", crc32(lengths))
    assert frames(prelude + data + struct.pack(">I", crc32(prelude + data))) == [Frame("event", "a", b"")]


def test_a_large_frame_in_small_pieces_takes_no_longer_than_its_length():
    large = frame({":message-type": "event", ":event-type": "a"}, b"x" * 4_000_000)
    before = time.process_time()
    found = frames(*(large[at : at + 1000] for at in range(0, len(large), 1000)), limit=5_000_000)
    assert len(found) == 1 and len(found[0].payload) == 4_000_000
    assert time.process_time() - before < 1
