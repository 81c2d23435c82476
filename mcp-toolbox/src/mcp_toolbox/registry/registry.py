"""A registry of named items from several sources, whose lists may change at runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from mcp_toolbox.errors import ToolDefinitionError

Item = TypeVar("Item")

BUILT_IN = "built-in"
"""The source of the items that a registry is made with."""


class Registry(Generic[Item]):
    """Items in the order of their keys: tools, resources or prompts. Each source has a list of items that it may
    replace, and watchers are called when the items differ from those before."""

    def __init__(self, key: Callable[[Item], str], items: Iterable[Item] = ()) -> None:
        self._key = key
        self._sources: dict[str, tuple[Item, ...]] = {}
        self._items: dict[str, Item] = {}
        self._source_of: dict[str, str] = {}
        self._watchers: list[Callable[[], None]] = []
        self.replace(BUILT_IN, items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def get(self, key: str) -> Item | None:
        """Returns the item with that key, or None."""
        return self._items.get(key)

    @property
    def sources(self) -> dict[str, tuple[Item, ...]]:
        """All sources so far, with their present items; the built-in ones come first."""
        return dict(self._sources)

    def source_of(self, key: str) -> str | None:
        """Returns the source of the item with that key, or None."""
        return self._source_of.get(key)

    def replace(self, source: str, items: Iterable[Item]) -> None:
        """Replaces all items of `source`.

        Raises:
            ToolDefinitionError: two items would have the same key; nothing is changed.
        """
        sources = {**self._sources, source: tuple(items)}
        merged: dict[str, Item] = {}
        for item in sorted((item for each in sources.values() for item in each), key=self._key):
            key = self._key(item)
            if key in merged:
                raise ToolDefinitionError(f"{key}: two entries have this name")
            merged[key] = item
        changed = merged != self._items
        self._sources, self._items = sources, merged
        self._source_of = {self._key(item): name for name, each in sources.items() for item in each}
        if changed:
            for watcher in list(self._watchers):
                watcher()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Calls `watcher` whenever the list changes. Returns a function that stops this."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)
