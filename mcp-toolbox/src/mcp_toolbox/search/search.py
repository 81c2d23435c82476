"""The search over the registry, and the tool with which models use it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, Tool, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.search.index import Found, ToolIndex

SOURCE = "search"
NAME = "search_tools"
DEFAULT_LIMIT = 8
MOST = 50
LONGEST_QUERY = 2_000

_HINTS = Hints(title="Search the tools", read_only=True, idempotent=True, open_world=False)


class ToolSearch:
    """Searches the tools of `registry`; the index is rebuilt when it is first needed after a change.

    While the registry has more than `threshold` tools, it also has the tool `search_tools`.
    """

    def __init__(self, registry: ToolRegistry, threshold: int) -> None:
        self._registry = registry
        self._threshold = threshold
        self._index: ToolIndex | None = None
        self._tool = self._as_tool()
        registry.watch(self._changed)
        self._changed()

    def search(self, query: str, principal: str, limit: int = DEFAULT_LIMIT) -> list[Found]:
        """Returns the `limit` tools that fit `query` best of those that the principal may use, best first. The tool
        `search_tools` is not among them."""
        if self._index is None:
            self._index = ToolIndex(tool for tool in self._registry if tool.name != NAME)
        return self._index.search(query, limit, lambda tool: self._registry.is_offered_to(principal, tool))

    def _changed(self) -> None:
        self._index = None
        offered = self._registry.get(NAME) is not None
        wanted = len(self._registry) - offered > self._threshold
        if wanted != offered:
            self._registry.replace(SOURCE, [self._tool] if wanted else [])

    def _as_tool(self) -> Tool:
        def search_tools(
            query: Annotated[
                str,
                Field(
                    description="What the tool should do, in a few words of English or Spanish.",
                    min_length=1,
                    max_length=LONGEST_QUERY,
                ),
            ],
            context: CallContext,
            limit: Annotated[int, Field(description="How many tools at most.", ge=1, le=MOST)] = DEFAULT_LIMIT,
        ) -> list[dict[str, Any]]:
            """Find tools of this server by what they do. There are many more tools than you were told of: search
            before you say that something cannot be done. Answers each tool's name, description and input schema; call
            a tool by its name."""
            return [described(found.tool) for found in self.search(query, context.principal, limit)]

        return from_function(search_tools, _HINTS)


def described(tool: Tool) -> dict[str, Any]:
    """Returns what a model needs to call `tool`: name, description and input schema."""
    return {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
