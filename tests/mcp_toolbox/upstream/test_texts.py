"""Names, texts and output lines of servers, with arbitrary content."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_toolbox.upstream.lines import Lines, TooLong
from mcp_toolbox.upstream.names import MAX_NAME, prefixes, tool_names
from mcp_toolbox.upstream.sanitize import MAX_DESCRIPTION, cleaned, cleaned_schema, shortened
from mcp_toolbox.upstream.stderr_log import StderrLog
from structlog.testing import capture_logs

NAME = re.compile(r"[A-Za-z0-9_-]+")
NAMES = st.lists(st.text(min_size=1, max_size=120), unique=True, max_size=8)


def test_names_that_fit_stay_as_they_are():
    assert prefixes(["github", "my-files"]) == {"github": "github", "my-files": "my-files"}
    assert tool_names("github", ["get-sum", "_x", "a__b"]) == {
        "get-sum": "github__get-sum", "_x": "github___x", "a__b": "github__a__b",
    }  # fmt: skip


def test_what_does_not_fit_is_replaced_and_what_would_clash_is_marked():
    names = tool_names("s", ["a.b", "a/b", "a_b", "c.d"])
    assert (names["a_b"], names["c.d"]) == ("s__a_b", "s__c_d")
    assert len(set(names.values())) == 4
    assert names == tool_names("s", ["c.d", "a_b", "a/b", "a.b"])


@given(NAMES, NAMES)
def test_no_two_tools_have_one_name(servers: list[str], tools: list[str]):
    made = [name for prefix in prefixes(servers).values() for name in tool_names(prefix, tools).values()]
    assert len(set(made)) == len(servers) * len(tools)
    for name in made:
        assert NAME.fullmatch(name)
        assert len(name) <= MAX_NAME


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("plain", "plain"), ("ñandú 🦤 列表\n\ttab", "ñandú 🦤 列表\n\ttab"), ("a\u202eb\u2066c", "abc"),
        ("a\u200bb\u2060c\ufeff", "abc"), ("x" + "".join(chr(0xE0000 + ord(c)) for c in "obey"), "x"),
        ("a\x00b\x1b[31m", "ab[31m"), ("\ue000\U000f0000", ""), ("a\U000e0101", "a"),
        ("a\u00adb", "ab"), ("\ud800", ""),
    ],
)  # fmt: skip
def test_hidden_characters_are_taken_out(text: str, visible: str):
    assert cleaned(text) == (visible, len(text) - len(visible))


def test_only_the_prose_of_a_schema_is_cleaned():
    schema = {
        "description": "a\u200bb",
        "properties": {"x\u200by": {"title": "\u202e", "enum": ["\u200b"], "pattern": "\u200b"}},
        "anyOf": [{"$comment": "c\u200b"}, True],
    }  # fmt: skip
    clean, hidden = cleaned_schema(schema)
    assert hidden == 3
    assert clean == {
        "description": "ab", "properties": {"x\u200by": {"title": "", "enum": ["\u200b"], "pattern": "\u200b"}},
        "anyOf": [{"$comment": "c"}, True],
    }  # fmt: skip


def test_descriptions_end_somewhere():
    assert len(shortened("x" * 100_000)) == MAX_DESCRIPTION + 1


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


def test_the_log_of_a_server_is_bounded_and_keeps_its_secrets():
    now = [0.0]
    with capture_logs() as logs:
        stderr_log = StderrLog("one", {"s3cr3t-key", "s3cr3t", "abc"}, clock=lambda: now[0])
        stderr_log.say(b"token s3cr3t-key, abc \xff\x1b[0m")
        stderr_log.say(b"   ")
        for _ in range(100):
            stderr_log.say(b"again")
        now[0] = 11.0
        stderr_log.say(b"x" * 5000)
    said: list[Any] = [line["line"] for line in logs if line["event"] == "server says"]
    assert said[0] == "token ***, abc �[0m"
    assert len(said) == 51
    assert len(said[-1]) == 1001
    assert [line["lines"] for line in logs if line["event"] == "server says more than is logged"] == [51]
