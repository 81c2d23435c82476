"""Which tools there are, and calling one by name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Coroutine, Iterable, Iterator
from types import ModuleType
from typing import Any, Protocol

from service_kit.store.errors import StoreAway
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.errors import ToolDefinitionError, ToolFailedError, UnknownToolError
from mcp_toolbox.registry.context import NOBODY, CallContext
from mcp_toolbox.registry.tool import Arguments, Hints, Tool, ToolResult, from_function

_log = get_logger(__name__)

BUILT_IN = "built-in"
_STORE_AWAY = "The database is away at the moment; try again in a minute."

Call = Callable[[str, Arguments, CallContext], Coroutine[Any, Any, ToolResult]]
"""Calls a tool by its name; raises what `ToolRegistry.call` raises."""


class CallGuard(Protocol):
    """What stands around every call; the one that there is is `mcp_toolbox.calls.call_policy`."""

    def around(self, call: Call) -> Call: ...

    def refused(self, name: str, arguments: Arguments, context: CallContext) -> None: ...


class ToolRegistry:
    """The tools that the toolbox offers, in the order of their names.

    Every way in (MCP, REST) lists and calls through here, so that they cannot differ. Tools come from sources, each
    with a name, whose tools may change while the toolbox runs; who watches is told.
    """

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._sources: dict[str, tuple[Tool, ...]] = {}
        self._tools: dict[str, Tool] = {}
        self._source_of: dict[str, str] = {}
        self._watchers: list[Callable[[], None]] = []
        self._call: Call = self._run
        self._guarding: CallGuard | None = None
        self.replace(BUILT_IN, tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def get(self, name: str) -> Tool | None:
        """The tool of that name, or None."""
        return self._tools.get(name)

    @property
    def sources(self) -> dict[str, tuple[Tool, ...]]:
        """Every source that was ever put in, with its tools now; what the toolbox brings comes first."""
        return dict(self._sources)

    def source_of(self, name: str) -> str | None:
        """The source of the tool of that name, or None."""
        return self._source_of.get(name)

    def guard(self, guarding: CallGuard) -> None:
        """From now on every call goes through `guarding`, whichever way it came in."""
        self._call = guarding.around(self._call)
        self._guarding = guarding

    def refused(self, name: str, arguments: Arguments, context: CallContext) -> None:
        """A way in has turned a call away by itself: nobody could be asked, or a person did not approve."""
        if self._guarding is not None:
            self._guarding.refused(name, arguments, context)

    def replace(self, source: str, tools: Iterable[Tool]) -> None:
        """From now on `source` has these tools and no others.

        Raises:
            ToolDefinitionError: two tools would have one name; everything stays as it was.
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
        """Have `watcher` called whenever the list changes; what is returned ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def call(self, name: str, arguments: Arguments, context: CallContext = NOBODY) -> Coroutine[Any, Any, ToolResult]:
        """Check the arguments and run the tool.

        A tool that fails is a result with `is_error`, whose text a model can read; what it did not mean to say
        (a bug's message) goes to the log and not to the client.

        Raises:
            UnknownToolError: there is no such tool.
            InvalidArgumentsError: the arguments do not fit its schema.
            RateLimitedError: it was called too often, where a guard counts.
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
        except StoreAway:  # the border of the packs with a database: here it becomes words that a model can read
            return ToolResult.of(_STORE_AWAY, is_error=True)
        except Exception as error:  # noqa: BLE001 - a tool is a plug-in: its bug must not take the session down
            _log.error("tool crashed", tool=name, exc_info=error)
            return ToolResult.of(f"The tool {name} failed unexpectedly.", is_error=True)


def discover(folder: ModuleType) -> list[Tool]:
    """The tools of a package: each module in it defines a function of the module's own name.

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
