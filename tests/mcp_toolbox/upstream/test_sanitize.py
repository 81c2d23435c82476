"""Sanitizing of other servers' texts."""

from __future__ import annotations

import pytest
from mcp_toolbox.upstream.sanitize import MAX_DESCRIPTION, cleaned, cleaned_schema, shortened


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("plain", "plain"), ("ñandú 🦤 列表\n\ttab", "ñandú 🦤 列表\n\ttab"), ("a\u202eb\u2066c", "abc"),
        ("a\u200bb\u2060c\ufeff", "abc"), ("x" + "".join(chr(0xE0000 + ord(c)) for c in "obey"), "x"),
        ("a\x00b\x1b[31m", "ab[31m"), ("\ue000\U000f0000", ""), ("a\U000e0101", "a"),
        ("a\u00adb", "ab"), ("\ud800", ""), ("a\u3164\u2800b\u034f", "ab"), ("\u2764\ufe0f", "\u2764\ufe0f"),
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
