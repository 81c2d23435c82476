"""JSON that arrives in pieces, cut everywhere."""

from __future__ import annotations

import itertools
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.providers.emulated_tools.json_text import StringText, ValueEnd

from tests.llm_gateway import values

ODD = 'a"b\\c/\b\f\n\r\t ñ 日本 😀 \x00 \u2028 \ufffd {"x":[1]}'


def _said(pieces: list[str]) -> str:
    string = StringText()
    said = "".join(map(string.feed, pieces))
    assert string.ended
    return said


def _inside(text: str, *, ascii_only: bool) -> str:
    """`text` as it is written between the quotes, and the closing one."""
    return json.dumps(text, ensure_ascii=ascii_only)[1:]


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_string_cut_anywhere_says_the_same(ascii_only: bool):
    written = _inside(ODD, ascii_only=ascii_only)
    for cut in range(len(written) + 1):
        assert _said([written[:cut], written[cut:]]) == ODD
    assert _said(list(written)) == ODD


@given(text=values.texts, ascii_only=st.booleans(), cuts=st.lists(st.integers(0, 80), max_size=4))
def test_any_string_in_any_pieces(text: str, ascii_only: bool, cuts: list[int]):
    written = _inside(text, ascii_only=ascii_only) + "} and what is not looked at"
    places = sorted({0, *(cut for cut in cuts if cut < len(written)), len(written)})
    assert _said([written[start:end] for start, end in itertools.pairwise(places)]) == text


def test_text_goes_on_at_once_and_no_half_of_a_character_does():
    string = StringText()
    assert string.feed("Ho") == "Ho"
    assert string.feed("la\\") == "la"
    assert string.feed("n\\ud83d") == "\n"
    assert string.feed("\\ude0") == ""
    assert string.feed("0!") == "😀!"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("\\ud83d", "\ufffd"),
        ("\\ud83dxyzxyz", "\ufffdxyzxyz"),
        ("\\ud83d\\u0041", "\ufffdA"),
        ("\\ude00", "\ufffd"),
        ("\\/", "/"),
        ("\\x41", "\\x41"),
        ("\\u00zz", "\\u00zz"),
        ("a\nb\tc", "a\nb\tc"),
    ],
)
def test_what_is_wrong_is_not_made_worse(written: str, meant: str):
    for pieces in ([written + '"'], list(written + '"')):
        said = _said(pieces)
        assert said == meant
        said.encode()


def test_a_cut_string_says_what_there_was():
    string = StringText()
    assert string.feed("half an escape \\u00") == "half an escape "
    assert not string.ended


JSON = ['{"a":"}\\"]","b":[1,{"c":"\\\\"}]}', "[[],{}]", '"}]\\""', '""', "{}", "42", "true", "-1.5e3"]


@pytest.mark.parametrize("value", JSON)
@pytest.mark.parametrize("after", ["}", " }", ",", "\n"])
def test_the_end_of_a_value_is_found_wherever_it_is_cut(value: str, after: str):
    text = value + after
    for size in (1, 2, 3, len(text)):
        end, place, taken = ValueEnd(), 0, None
        while taken is None:
            taken = end.feed(text[place : place + size])
            place += size if taken is None else taken
        assert text[:place] == value


@given(value=values.json_values)
def test_any_value_ends_where_it_ends(value: object):
    written = msgspec.json.encode(value).decode()
    assert ValueEnd().feed(written + "}") == len(written)


def test_an_open_value_has_no_end():
    for written in ('{"a":[1,2]', '"a\\"', "[[]", '{"a":"}"'):
        assert ValueEnd().feed(written) is None
