from __future__ import annotations

import pytest
from mcp_toolbox.errors import ToolDefinitionError
from mcp_toolbox.registry.registry import Shelf


@pytest.fixture
def shelf() -> Shelf[str]:
    return Shelf(lambda item: item.lower(), ["b", "A"])


def test_its_items_stand_in_order(shelf: Shelf[str]):
    shelf.replace("pack", ["c", "AA"])
    assert list(shelf) == ["A", "AA", "b", "c"]
    assert shelf.get("aa") == "AA"
    assert shelf.get("z") is None
    assert len(shelf) == 4


def test_a_source_replaces_what_it_had(shelf: Shelf[str]):
    shelf.replace("pack", ["c"])
    shelf.replace("pack", ["d"])
    assert list(shelf) == ["A", "b", "d"]


def test_two_of_a_name_change_nothing(shelf: Shelf[str]):
    with pytest.raises(ToolDefinitionError, match="two entries"):
        shelf.replace("pack", ["B", "c"])
    assert list(shelf) == ["A", "b"]


def test_who_watches_is_told_of_changes_alone(shelf: Shelf[str]):
    told: list[int] = []
    end = shelf.watch(lambda: told.append(len(shelf)))
    shelf.replace("pack", ["c"])
    shelf.replace("pack", ["c"])
    end()
    shelf.replace("pack", [])
    assert told == [3]
