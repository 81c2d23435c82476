"""The registry of tools: what tools there are, and the call of one by name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Coroutine, Iterable, Iterator
from secrets import token_hex
from types import ModuleType
from typing import Any, Protocol

from service_kit.store.errors import StoreAway
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.errors import ToolDefinitionError, ToolFailedError, UnknownToolError
from mcp_toolbox.registry.context import NO_CALLER, CallContext
from mcp_toolbox.registry.tool import Arguments, Hints, Tool, ToolResult, from_function

_log = get_logger(__name__)

BUILT_IN = "built-in"
_STORE_AWAY = "The database is away at the moment; try again in a minute."

Call = Callable[[str, Arguments, CallContext], Coroutine[Any, Any, ToolResult]]
"""Calls a tool by name; raises what `ToolRegistry.call` raises."""


class ToolCallPolicy(Protocol):
    """A policy around every call; its implementation is `mcp_toolbox.calls.call_policy.CallPolicy`."""

    def around(self, call: Call) -> Call: ...

    def refused(self, name: str, arguments: Arguments, context: CallContext) -> None: ...


class ToolRegistry:
    """The tools that the toolbox offers, in the order of their names.

    MCP and REST both list and call tools through the registry, so that they cannot differ. Tools come from named
    sources, whose tools may change at runtime; watchers are called when the list changes. `id` tells this toolbox from
    others (`origin.py`).
    """

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self.id = token_hex(8)
        self._sources: dict[str, tuple[Tool, ...]] = {}
        self._tools: dict[str, Tool] = {}
        self._source_of: dict[str, str] = {}
        self._watchers: list[Callable[[], None]] = []
        self._call: Call = self._run
        self._policy: ToolCallPolicy | None = None
        self.replace(BUILT_IN, tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def get(self, name: str) -> Tool | None:
        """Returns the tool with that name, or None."""
        return self._tools.get(name)

    @property
    def sources(self) -> dict[str, tuple[Tool, ...]]:
        """All sources so far, with their present tools; the built-in ones come first."""
        return dict(self._sources)

    def source_of(self, name: str) -> str | None:
        """Returns the source of the tool with that name, or None."""
        return self._source_of.get(name)

    def set_policy(self, policy: ToolCallPolicy) -> None:
        """Puts `policy` around every call from now on, whichever way it comes in."""
        self._call = policy.around(self._call)
        self._policy = policy

    def refused(self, name: str, arguments: Arguments, context: CallContext) -> None:
        """Tells the policy of a call that was refused before it reached the registry: no person could be asked, or one
        did not approve."""
        if self._policy is not None:
            self._policy.refused(name, arguments, context)

    def replace(self, source: str, tools: Iterable[Tool]) -> None:
        """Replaces all tools of `source`.

        Raises:
            ToolDefinitionError: two tools would have the same name; nothing is changed.
        """
        sources = {**self._sources, source: tuple(tools)}
        merged: dict[str, Tool] = {}
        for tool in sorted((tool for each in sources.values() for tool in each), key=lambda tool: tool.name):
            if tool.name in merged:
                raise ToolDefinitionError(f"tool {tool.name}: two tools have this name")
            merged[tool.name] = tool
        changed = {name: tool.to_wire() for name, tool in merged.items()} != {
            name: tool.to_wire() for name, tool in self._tools.items()
        }
        self._sources, self._tools = sources, merged
        self._source_of = {tool.name: name for name, tools in sources.items() for tool in tools}
        if changed:
            for watcher in list(self._watchers):
                watcher()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Calls `watcher` whenever the list changes. Returns a function that stops this."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def call(
        self, name: str, arguments: Arguments, context: CallContext = NO_CALLER
    ) -> Coroutine[Any, Any, ToolResult]:
        """Checks the arguments and runs the tool.

        A tool that fails gives a result with `is_error`, whose text a model can read. The message of an unexpected
        exception goes to the log, not to the client.

        Raises:
            UnknownToolError: there is no such tool.
            InvalidArgumentsError: the arguments do not fit the tool's schema.
            RateLimitedError: the tool was called too often, according to the policy.
        """
        return self._call(name, arguments, context)

    async def _run(self, name: str, arguments: Arguments, context: CallContext) -> ToolResult:
        tool = self._tools.get(name)
        if tool is None:
            raise UnknownToolError(name)
        checked = tool.check(arguments)
        try:
            result = tool.run(checked, context)
            return result if isinstance(result, ToolResult) else await result
        except ToolFailedError as failure:
            return ToolResult.of(str(failure), is_error=True)
        except StoreAway:  # of a pack's database: translated here into a text that a model can read
            return ToolResult.of(_STORE_AWAY, is_error=True)
        except Exception as error:  # noqa: BLE001 - a tool is a plug-in: its bug must not take the session down
            _log.error("tool crashed", tool=name, exc_info=error)
            return ToolResult.of(f"The tool {name} failed unexpectedly.", is_error=True)


def discover(folder: ModuleType) -> list[Tool]:
    """Returns the tools of a package: each of its modules defines a function with the module's own name.

    Raises:
        ToolDefinitionError: a module does not, or its function lacks what a model needs.
    """
    return [_tool_of(importlib.import_module(f"{folder.__name__}.{name}"), name) for name in _modules(folder)]


def _modules(folder: ModuleType) -> list[str]:
    return sorted(found.name for found in pkgutil.iter_modules(folder.__path__) if not found.name.startswith("_"))


def _tool_of(module: ModuleType, name: str) -> Tool:
    function = getattr(module, name, None)
    if not inspect.isfunction(function):
        raise ToolDefinitionError(f"tool {name}: {module.__name__} defines no function {name}")
    hints = getattr(module, "HINTS", None)
    if not isinstance(hints, Hints):
        raise ToolDefinitionError(f"tool {name}: {module.__name__} has no HINTS")
    return from_function(function, hints)
