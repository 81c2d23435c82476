from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.errors import UpstreamProtocol
from llm_gateway.net.sse import SseDecoder

STREAM = (
    b": a comment\n\nevent: x\nid: 1\ndata: uno\n\ndata:dos\ndata:  tres\ndata\n\n\ndata: \xc3\xb1\xf0\x9f\x98\x80\n\n"
    b"retry: 10\ndatax: no\n\ndata: [DONE]\n\n"
)
EVENTS = [b"uno", b"dos\n tres\n", "ñ😀".encode(), b"[DONE]"]


def fed(*chunks: bytes) -> list[bytes]:
    decoder = SseDecoder(10_000)
    return [data for chunk in chunks for data in decoder.feed(chunk)] + decoder.finish()


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_any_split_gives_the_same_events(newline: bytes):
    stream = STREAM.replace(b"\n", newline)
    for position in range(len(stream) + 1):
        assert fed(stream[:position], stream[position:]) == EVENTS
    assert fed(*(bytes([byte]) for byte in stream)) == EVENTS


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",))), min_size=1)))
def test_what_is_written_is_read(events: list[list[str]]):
    stream = b"".join(b"".join(b"data: " + line.encode() + b"\n" for line in event) + b"\n" for event in events)
    assert fed(stream) == ["\n".join(event).encode() for event in events]


def test_an_event_is_given_as_soon_as_it_is_whole():
    decoder = SseDecoder(100)
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [b"a"]
    assert decoder.finish() == []


def test_what_is_left_at_the_end_is_given_too():
    assert fed(b"data: a\n\ndata: b") == [b"a", b"b"]


@pytest.mark.parametrize("chunk", [b"data: " + b"a" * 50, b"data: " + b"a" * 9 + b"\n"])
def test_an_endless_event_is_refused(chunk: bytes):
    decoder = SseDecoder(100)
    with pytest.raises(UpstreamProtocol):
        for _ in range(20):
            decoder.feed(chunk)


def test_many_small_events_are_not_an_endless_one():
    decoder = SseDecoder(100)
    assert sum(len(decoder.feed(b"data: aaaaaaaaaa\n\n")) for _ in range(1000)) == 1000
