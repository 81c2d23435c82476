from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from mcp_toolbox.cli.table import columns, table

HEAD = ("NAME", "RISK", "WHAT")


def test_a_row_a_line_without_a_width():
    rows = [("a" * 60, "reads", "long " * 50)]
    lines = table(HEAD, rows, None).split("\n")
    assert len(lines) == 2
    assert lines[1].endswith("long")


def test_long_names_and_wide_characters_keep_the_columns():
    rows = [
        ("server__" + "n" * 60, "reads", "What it does, " * 9),
        ("名前", "writes", "日本語の説明" * 12),
        ("ñandú", "", "x" * 200),
    ]
    shown = table(HEAD, rows, 80)
    lines = shown.split("\n")
    assert max(map(columns, lines)) <= 80
    at = columns(lines[0][: lines[0].index("WHAT")])
    assert "名前" + " " * (at - 4 - 8) + "writes" in shown
    assert shown.replace("\n", "").count("n") >= 60


def test_a_terminal_is_not_steered():
    shown = table(HEAD, [("a\x1b[2J", "\u202eb", "c\r\nd\x07")], 80)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "c d" in shown


def test_colors_are_for_terminals():
    assert "\x1b[1m" in table(HEAD, [], 80, color=True)
    assert "\x1b" not in table(HEAD, [], 80)


@example([("n" * 60, "r" * 60, "w" * 60)], 60)
@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=5), st.integers(60, 200))
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, str, str]], width: int):
    assert max(columns(line) for line in table(HEAD, rows, width).split("\n")) <= width
