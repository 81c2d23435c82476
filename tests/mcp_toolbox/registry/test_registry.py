from __future__ import annotations

import pytest
from mcp_toolbox.errors import ToolDefinitionError
from mcp_toolbox.registry.registry import Registry


@pytest.fixture
def registry() -> Registry[str]:
    return Registry(lambda item: item.lower(), ["b", "A"])


def test_its_items_stand_in_order(registry: Registry[str]):
    registry.replace("pack", ["c", "AA"])
    assert list(registry) == ["A", "AA", "b", "c"]
    assert registry.get("aa") == "AA"
    assert registry.get("z") is None
    assert len(registry) == 4


def test_a_source_replaces_what_it_had(registry: Registry[str]):
    registry.replace("pack", ["c"])
    registry.replace("pack", ["d"])
    assert list(registry) == ["A", "b", "d"]
    assert registry.sources == {"built-in": ("b", "A"), "pack": ("d",)}
    assert (registry.source_of("d"), registry.source_of("c")) == ("pack", None)


def test_two_of_a_name_change_nothing(registry: Registry[str]):
    with pytest.raises(ToolDefinitionError, match="two entries"):
        registry.replace("pack", ["B", "c"])
    assert list(registry) == ["A", "b"]


def test_who_watches_is_told_of_changes_alone(registry: Registry[str]):
    told: list[int] = []
    end = registry.watch(lambda: told.append(len(registry)))
    registry.replace("pack", ["c"])
    registry.replace("pack", ["c"])
    end()
    registry.replace("pack", [])
    assert told == [3]
