from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import MCPError
from mcp.types import INVALID_PARAMS
from mcp_toolbox.server.pagination import Page, page_of


def paged(names: list[str], cursor: str | None, size: int = 3) -> Page:
    return page_of(names, cursor, key=lambda name: name, to_wire=lambda name: {"name": name}, size=size)


def walked(names: list[str], size: int) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        page = paged(names, cursor, size)
        found += [entry["name"] for entry in page.entries]
        cursor = page.cursor
        if cursor is None:
            return found


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True), st.integers(1, 5))
def test_all_pages_together_are_the_list(names: list[str], size: int):
    assert walked(sorted(names), size) == sorted(names)


def test_a_list_that_fits_has_no_cursor():
    assert "nextCursor" not in paged(["a", "b", "c"], None).answer("tools")
    assert paged([], None) == Page([], None)
    assert paged(["a", "b", "c", "d"], None).answer("tools")["nextCursor"]


def test_what_comes_and_goes_between_pages_moves_nothing_else():
    first = paged(["b", "d", "f", "h", "j"], None)
    second = paged(["a", "b", "c", "e", "h", "i", "j"], first.cursor)  # a, c, e and i came; d and f went
    assert [entry["name"] for entry in first.entries + second.entries] == ["b", "d", "f", "h", "i", "j"]


def in_base64(plain: bytes) -> str:
    return base64.b64encode(plain).decode()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "0", "¡hola!", "YWZ0ZXI=", "QQ" * 5000, "\ud800", *map(in_base64, [b"before:b", b"after:\xff"])],
)
def test_a_cursor_that_is_not_ours_is_refused(cursor: str):
    with pytest.raises(MCPError) as refused:
        paged(["a", "b"], cursor)
    assert refused.value.error.code == INVALID_PARAMS


def test_every_cut_of_a_cursor_is_refused_or_a_place_in_the_list():
    cursor = paged([f"tool_{i}" for i in range(9)], None).cursor
    assert cursor
    for end in range(len(cursor)):
        try:
            paged(["a"], cursor[:end])
        except MCPError as refused:
            assert refused.error.code == INVALID_PARAMS
