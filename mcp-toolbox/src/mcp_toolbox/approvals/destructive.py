"""The tools that need an approval."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from mcp_toolbox.registry.tool import Tool


class Destructive:
    """The tools that declare themselves destructive, and those that the operator has listed by name; `*` matches any
    characters.

    A tool without the hint is not destructive here, although the protocol's default for the hint is true.
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
