"""Named things from several sources, whose lists may change while the toolbox runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from mcp_toolbox.errors import ToolDefinitionError

Item = TypeVar("Item")


class Registry(Generic[Item]):
    """Items in the order of their keys. What `ToolRegistry` is for tools this is for resources and prompts: a pack puts
    its own there as a source, and who watches is told of a change."""

    def __init__(self, key: Callable[[Item], str], items: Iterable[Item] = ()) -> None:
        self._key = key
        self._sources: dict[str, tuple[Item, ...]] = {}
        self._items: dict[str, Item] = {}
        self._watchers: list[Callable[[], None]] = []
        self.replace("built-in", items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def get(self, key: str) -> Item | None:
        """The item of that key, or None."""
        return self._items.get(key)

    def replace(self, source: str, items: Iterable[Item]) -> None:
        """From now on `source` has these items and no others.

        Raises:
            ToolDefinitionError: two items would have one key; everything stays as it was.
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
        if changed:
            for watcher in list(self._watchers):
                watcher()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have `watcher` called whenever the list changes; what is returned ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)
