"""What the vendors' clients pass over is passed over; what a meaning hangs on is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader, loads


class Inner(msgspec.Struct):
    name: str
    count: int | None = None


class Outer(msgspec.Struct, rename="camel"):
    text: str | None = None
    whole_number: int = 0
    flag: bool | None = None
    share: float | None = None
    inner: Inner | None = None
    several: list[Inner] | None = None
    numbers: list[float] | None = None
    either: str | dict[str, Any] | list[Any] | None = None
    raw: msgspec.Raw = msgspec.Raw(b"{}")
    anything: Any = None


READER = TolerantReader(Outer, frozenset({"text"}))


@pytest.mark.parametrize(
    ("sent", "field", "meant"),
    [
        (b'{"text": 42}', "text", "42"),
        (b'{"text": 1.5}', "text", "1.5"),
        (b'{"text": false}', "text", None),
        (b'{"text": {}}', "text", None),
        (b'{"text": [1]}', "text", None),
        (b'{"wholeNumber": "3"}', "whole_number", 3),
        (b'{"wholeNumber": 3.0}', "whole_number", 3),
        (b'{"wholeNumber": null}', "whole_number", 0),
        (b'{"wholeNumber": "three"}', "whole_number", 0),
        (b'{"wholeNumber": 1e400}', "whole_number", 0),
        (b'{"flag": "true"}', "flag", None),
        (b'{"share": "0.5"}', "share", 0.5),
        (b'{"share": NaN}', "share", None),
        (b'{"inner": []}', "inner", None),
        (b'{"inner": {"name": "a", "count": "x"}}', "inner", Inner("a")),
        (b'{"several": {}}', "several", None),
        (b'{"several": [null, {"name": "a"}, 7]}', "several", [Inner("a")]),
        (b'{"numbers": [1, "a"]}', "numbers", None),
        (b'{"either": 7}', "either", "7"),
        (b'{"either": {"a": -Infinity}}', "either", {"a": None}),
        (b'{"anything": {"a": [NaN, "\\ud83d"]}, "new": 1}', "anything", {"a": [None, "\ufffd"]}),
        (b'\xef\xbb\xbf{"text": "a"}', "text", "a"),
        (b'{"text": "a\\ud83d"}', "text", "a\ufffd"),
        (b'{"text": "\\ud83d\\ude00", "flag": 1}', "text", "\U0001f600"),
    ],
)  # fmt: skip
def test_odd_values_are_converted_or_left_out(sent: bytes, field: str, meant: Any):
    assert getattr(READER.read(sent), field) == meant


def test_the_rest_of_an_odd_answer_is_kept_to_the_letter():
    found = READER.read(b'{"text": "a", "flag": 7, "raw": {"b": 1.50, "a": []}, "either": [1, {}]}')
    assert (found.text, found.flag, found.either) == ("a", None, [1, {}])
    assert msgspec.json.decode(found.raw) == {"b": 1.5, "a": []}


@pytest.mark.parametrize(
    "sent",
    [b"", b"{", b"[]", b"7", b'{"text": "a"} x', b'{"text": "\xff"}', b'{"several": [{"count": 1}]}',
     b'{"inner": {"name": 7}}', b'{"inner":' * 100_000],
)  # fmt: skip
def test_what_cannot_be_mended_is_refused(sent: bytes):
    with pytest.raises(UNREADABLE):
        READER.read(sent)


def test_only_pieces_of_text_keep_half_a_character():
    found = READER.forgive_piece(b'{"text": "a\\ud83d", "either": "b\\ud83d"}', ValueError())
    assert (found.text, found.either) == ("a\ud83d", "b\ufffd")


def test_any_json_is_read_as_forgivingly():
    assert loads(b'{"a": NaN}') == {"a": None} and loads(b"\xef\xbb\xbf[1]") == [1] and loads(b"{") is None
