"""Which tools there are, and calling one by name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType

from service_kit.logs import get_logger

from mcp_toolbox.errors import ToolDefinitionError, ToolFailedError, UnknownToolError
from mcp_toolbox.tool import Arguments, Hints, Tool, ToolResult, from_function, rendered

_log = get_logger(__name__)


class Catalogue:
    """The tools that the toolbox offers, in the order of their names.

    Every way in (MCP, REST) lists and calls through here, so that they cannot differ.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in sorted(tools, key=lambda tool: tool.name):
            if tool.name in self._tools:
                raise ToolDefinitionError(f"tool {tool.name}: two tools have this name")
            self._tools[tool.name] = tool

    def __len__(self) -> int:
        return len(self._tools)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def get(self, name: str) -> Tool | None:
        """The tool of that name, or None."""
        return self._tools.get(name)

    async def call(self, name: str, arguments: Arguments) -> ToolResult:
        """Check the arguments, run the tool and render what it returned.

        A tool that fails is a result with `is_error`, whose text a model can read; what it did not mean to say
        (a bug's message) goes to the log and not to the client.

        Raises:
            UnknownToolError: there is no such tool.
            InvalidArgumentsError: the arguments do not fit its schema.
        """
        tool = self._tools.get(name)
        if tool is None:
            raise UnknownToolError(name)
        checked = tool.check(arguments)
        try:
            value = tool.function(**checked)
            if inspect.isawaitable(value):
                value = await value
            return rendered(value)
        except ToolFailedError as failure:
            return ToolResult(str(failure), is_error=True)
        except Exception as error:  # noqa: BLE001 - a tool is a plug-in: its bug must not take the session down
            _log.error("tool crashed", tool=name, exc_info=error)
            return ToolResult(f"The tool {name} failed unexpectedly.", is_error=True)


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
