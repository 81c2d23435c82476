"""The marker survives what gateways do to a body, and the mock reads back what the generator wrote."""

import json

from bench import marker


def test_written_markers_are_read_back():
    text = marker.write(marker.nonce(255), chunks=7, gap_ms=20, calls=2)
    body = json.dumps({"messages": [{"role": "user", "content": f"hello {text} there"}]}).encode()
    assert marker.read(body) == marker.Ask(nonce=b"0000000000ff", chunks=7, gap_ms=20, calls=2)


def test_every_marker_has_the_same_width():
    short, long = marker.write(marker.nonce(1)), marker.write(marker.nonce(2**47), chunks=99999, gap_ms=9999, calls=99)
    assert len(short) == len(long)


def test_the_last_marker_of_a_conversation_counts():
    body = (marker.write(marker.nonce(1)) + " then " + marker.write(marker.nonce(2))).encode()
    ask = marker.read(body)
    assert ask is not None
    assert ask.nonce == marker.nonce(2)


def test_a_body_without_a_marker_has_none():
    assert marker.read(b'{"messages": []}') is None
    assert marker.read(b"[bench broken]") is None
