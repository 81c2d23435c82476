from __future__ import annotations

from typing import Any

import pytest
from mcp_toolbox.approvals.question import can_be_shown, question


def test_it_names_the_tool_and_what_it_was_given():
    asked = question("borrar_todo", {"carpeta": "/señor", "n": 3, "sí": None}, "es")
    assert asked.splitlines() == [
        "La herramienta «borrar_todo» puede borrar o cambiar datos sin vuelta atrás. ¿Permites esta llamada?",
        '- carpeta: "/señor"',
        "- n: 3",
        "- sí: null",
    ]


def test_in_english():
    assert question("wipe", {}, "en") == "The tool “wipe” may delete or change data for good. Do you allow this call?"


@pytest.mark.parametrize("language", ["es", "en"])
def test_it_is_short_whatever_the_arguments(language: str):
    asked = question("wipe" * 100, {f"{i}" * 1000: "x" * 10**5 for i in range(1000)}, language)
    assert len(asked) < 7000
    assert "980" in asked.splitlines()[-1]


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b[2J", "\n- n: 4", "\r", "\x00", "\ud800", "\u2028"])
def test_nothing_hides_in_it(hidden: str):
    asked = question(f"wi{hidden}pe", {f"a{hidden}": f"b{hidden}"}, "en")
    assert len(asked.splitlines()) == 2
    assert all(line.isprintable() for line in asked.splitlines())
    asked.encode()


PADDING = "./" * 5_000


EMPTY = "\u3164\u115f\u1160\uffa0\u2800\u034f\u17b4\u180b\ufe01\ufe0f\U000e0100\U000e0041\u00a0\u2003"
"""Characters that take no place, or look like one that is empty."""


@pytest.mark.parametrize("empty", EMPTY)
def test_a_name_with_something_behind_it_does_not_look_like_the_name(empty: str):
    assert question("wipe", {"file": f"notes.txt{empty}"}, "en").endswith(
        '- file: "notes.txt\N{REPLACEMENT CHARACTER}"'
    )


def test_what_emoji_and_accents_are_made_of_is_shown():
    text = "\u2764\ufe0f cafe\u0301 ñ 列表"
    assert question("wipe", {"a": text}, "en").endswith(f'- a: "{text}"')


@pytest.mark.parametrize(("language", "warning"), [("es", "ATENCIÓN"), ("en", "CAUTION")])
def test_both_ends_of_a_long_text_are_shown_and_the_rest_is_told(language: str, warning: str):
    arguments = {"path": f"/srv/files/{PADDING}../../etc/cron.d/x", "sure": True}
    asked = question("remove", arguments, language)
    assert "/srv/files/" in asked
    assert '../../etc/cron.d/x"' in asked
    assert str(len(arguments["path"]) + 2 - 160) in asked
    assert warning in asked.splitlines()[1]
    assert "- sure: true" in asked
    assert can_be_shown(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {f"a{n}": n for n in range(21)},
        {"a" * 61: 1},
        {"a": {f"k{n}": n for n in range(500)}},
        {"a": [["x"] * 400, "delete_everything"]},
        {"a": {"b": "x" * 2_000}},
    ],
)
def test_what_cannot_be_shown_whole_is_not_asked(arguments: dict[str, Any]):
    assert not can_be_shown(arguments)
    assert "CAUTION" in question("remove", arguments, "en")


def test_what_is_shown_whole_has_no_warning():
    arguments = {"a": "x" * 150, "b": {"c": list(range(100))}, "d": None}
    assert can_be_shown(arguments)
    assert "CAUTION" not in question("remove", arguments, "en")
