"""Lines of a stream, in pieces of any size."""

from __future__ import annotations

import pytest
from mcp_toolbox.upstream.lines import Lines, TooLong

TEXT = "één\n\nzwei 🦤\r\n".encode() + b"x" * 12 + b"\n" + b"rest"


@pytest.mark.parametrize("size", range(1, len(TEXT) + 1))
def test_lines_are_the_same_however_they_arrive(size: int):
    lines = Lines(20)
    found = [line for at in range(0, len(TEXT), size) for line in lines.feed(TEXT[at : at + size])]
    assert found == TEXT.split(b"\n")[:-1]


@pytest.mark.parametrize("size", [1, 7, 64, 1000, 5000])
@pytest.mark.parametrize("last", [True, False])
def test_a_line_that_is_too_long_still_says_what_it_answers(size: int, last: bool):
    filler = b'"result": {"id": 5, "content": "' + b"y" * 3000 + b'"}'
    line = b'{"jsonrpc": "2.0", ' + filler + b', "id": 42}' if last else b'{"jsonrpc":"2.0","id":42,' + filler + b"}"
    data = b"short\n" + line + b"\nnext\n"
    lines = Lines(1000)
    found = [each for at in range(0, len(data), size) for each in lines.feed(data[at : at + size])]
    assert (found[0], found[2]) == (b"short", b"next")
    assert isinstance(found[1], TooLong)
    assert (found[1].size, found[1].answers) == (len(line), 42)


def test_a_long_line_that_answers_nothing():
    (line,) = Lines(10).feed(b"z" * 1000 + b"\n")
    assert isinstance(line, TooLong)
    assert line.answers is None
