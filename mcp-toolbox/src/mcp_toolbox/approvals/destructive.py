"""Which tools ask before they run."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from mcp_toolbox.registry.tool import Tool


class Destructive:
    """Tools that say so themselves, and those whose names the operator listed; `*` stands for any characters.

    A tool without a mark is not destructive, although the protocol's own default for that hint is true.
    """

    def __init__(self, listed: Iterable[str] = ()) -> None:
        listed = tuple(listed)
        self._names = frozenset(name for name in listed if "*" not in name)
        self._patterns = tuple(name.replace("[", "[[]").replace("?", "[?]") for name in listed if "*" in name)

    def __contains__(self, tool: Tool) -> bool:
        return (
            tool.hints.destructive
            or tool.name in self._names
            or any(fnmatchcase(tool.name, pattern) for pattern in self._patterns)
        )
