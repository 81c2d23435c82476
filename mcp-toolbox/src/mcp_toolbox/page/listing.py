"""The list of servers and their tools, for the page and for programs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from mcp_toolbox.approvals.approvals import Approvals
from mcp_toolbox.registry.registry import BUILT_IN
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.registry.tools import ToolRegistry

UPSTREAM = "upstream:"
"""The prefix of the sources that are other servers."""

Health = Callable[[], Mapping[str, Mapping[str, Any]]]
"""Returns the other servers by name as in `/health`: `status` and, if something is wrong, `error`."""

_WELL = ("connected", "disabled")


class Listing:
    """Groups the tools of `registry` by origin: built-in tools, packs, and other servers. `changed` returns the names
    of the tools that differ from how they were first seen, and `added` the servers that were added since the start."""

    def __init__(
        self,
        registry: ToolRegistry,
        approvals: Approvals,
        health: Health,
        changed: Callable[[], Collection[str]] = tuple,
        added: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._registry = registry
        self._approvals = approvals
        self._health = health
        self._changed = changed
        self._added = added

    def summary(self) -> dict[str, dict[str, Any]]:
        """Returns each server by name, with its kind, its state and the number of its tools."""
        return {server["name"]: {**server, "tools": len(tools)} for server, tools in self._servers()}

    def full(self, principal: str) -> list[dict[str, Any]]:
        """Returns the servers with those of their tools that the principal may use, as in `tools/list`, each with
        `needsApproval` and `changed`."""
        changed = self._changed()
        return [
            {
                **server,
                "tools": [
                    self._described(tool, changed) for tool in tools if self._registry.is_offered_to(principal, tool)
                ],
            }
            for server, tools in self._servers()
        ]

    def _described(self, tool: Tool, changed: Collection[str]) -> dict[str, Any]:
        marks = {"needsApproval": self._approvals.needed(tool), "changed": tool.name in changed}
        return {**tool.to_wire(), **marks}

    def _servers(self) -> list[tuple[dict[str, Any], tuple[Tool, ...]]]:
        sources = self._registry.sources
        ours = [
            ({"name": name, "kind": BUILT_IN if name == BUILT_IN else "pack", "status": "up", "healthy": True}, tools)
            for name, tools in sources.items()
            if not name.startswith(UPSTREAM) and (tools or name == BUILT_IN)
        ]
        added = self._added()
        others = [
            (_other(name, health, name in added), sources.get(f"{UPSTREAM}{name}", ()))
            for name, health in self._health().items()
        ]
        return ours + others


_TOLD = ("transport", "since", "restarts", "problems")


def _other(name: str, health: Mapping[str, Any], added: bool) -> dict[str, Any]:
    status = str(health.get("status", "unknown"))
    described = {"name": name, "kind": "upstream", "status": status, "healthy": status in _WELL, "added": added}
    described |= {field: health[field] for field in _TOLD if field in health}
    reason = health.get("error") or health.get("reason")
    return {**described, "reason": str(reason)} if reason else described
