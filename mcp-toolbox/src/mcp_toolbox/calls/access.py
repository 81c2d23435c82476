"""The tools that each caller may use."""

from __future__ import annotations

from collections.abc import Iterable

from mcp_toolbox.calls.per_tool import PerTool


class ToolAccess:
    """The allow lists of principals, as pairs of an id and the names of tools, or patterns such as `files__*`.

    A principal without a list has that of the id `*`; where there is none, it may use every tool.
    """

    def __init__(self, lists: Iterable[tuple[str, tuple[str, ...]]] = ()) -> None:
        self._lists = {principal: PerTool([(tool, True) for tool in tools], False) for principal, tools in lists}
        self._others = self._lists.get("*")

    def allows(self, principal: str, tool: str) -> bool:
        """Returns whether `principal` may use the tool of that name."""
        allowed = self._lists.get(principal, self._others)
        return allowed is None or allowed[tool]


ALL = ToolAccess()
"""Every principal may use every tool."""
