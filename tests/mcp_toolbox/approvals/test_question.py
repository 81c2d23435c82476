from __future__ import annotations

import pytest
from mcp_toolbox.approvals.question import question


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
