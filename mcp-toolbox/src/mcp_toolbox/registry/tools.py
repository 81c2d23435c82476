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

from mcp_toolbox.errors import InputRequiredError, ToolDefinitionError, ToolFailedError, UnknownToolError
from mcp_toolbox.registry.context import NO_CALLER, CallContext
from mcp_toolbox.registry.registry import Registry
from mcp_toolbox.registry.tool import Arguments, Hints, Tool, ToolResult, from_function

_log = get_logger(__name__)

_STORE_AWAY = "The database is away at the moment; try again in a minute."

Call = Callable[[str, Arguments, CallContext], Coroutine[Any, Any, ToolResult]]
"""Calls a tool by name; raises what `ToolRegistry.call` raises."""


class ToolCallPolicy(Protocol):
    """A policy around every call; its implementation is `mcp_toolbox.calls.call_policy.CallPolicy`."""

    def around(self, call: Call) -> Call: ...

    def allows(self, principal: str, tool: str) -> bool: ...

    def refused(self, name: str, arguments: Arguments, context: CallContext) -> None: ...


class ToolRegistry(Registry[Tool]):
    """The tools that the toolbox offers, in the order of their names.

    MCP and REST both list and call tools through the registry, so that they cannot differ. Tools come from named
    sources, whose tools may change at runtime; watchers are called when the list changes. `id` tells this toolbox from
    others (`origin.py`).
    """

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self.id = token_hex(8)
        self._call: Call = self._run
        self._policy: ToolCallPolicy | None = None
        super().__init__(lambda tool: tool.name, tools)

    def offered_to(self, principal: str) -> Iterator[Tool]:
        """Yields the tools that the principal with that id may use, in the order of their names."""
        policy = self._policy
        return iter(self) if policy is None else (tool for tool in self if policy.allows(principal, tool.name))

    def is_offered_to(self, principal: str, tool: Tool) -> bool:
        """Returns whether the principal with that id may use `tool`, which must be of this registry."""
        return self.is_allowed(principal, tool.name)

    def is_allowed(self, principal: str, access: str) -> bool:
        """Returns whether the principal may use what has that name: a tool, a prompt, or, by `server__*`, all resources
        of a server."""
        return not access or self._policy is None or self._policy.allows(principal, access)

    def set_policy(self, policy: ToolCallPolicy) -> None:
        """Puts `policy` around every call from now on, whichever way it comes in."""
        self._call = policy.around(self._call)
        self._policy = policy

    def refused(self, name: str, arguments: Arguments, context: CallContext) -> None:
        """Tells the policy of a call that was refused before it reached the registry: no person could be asked, or one
        did not approve."""
        if self._policy is not None:
            self._policy.refused(name, arguments, context)

    def call(
        self, name: str, arguments: Arguments, context: CallContext = NO_CALLER
    ) -> Coroutine[Any, Any, ToolResult]:
        """Checks the arguments and runs the tool.

        A tool that fails gives a result with `is_error`, whose text a model can read. The message of an unexpected
        exception goes to the log, not to the client.

        Raises:
            UnknownToolError: there is no such tool.
            InvalidArgumentsError: the arguments do not fit the tool's schema.
            ToolNotAllowedError: the caller may not use it, according to the policy.
            InputRequiredError: the tool's server asks questions first; only for a `context` with `rounds`.
            RateLimitedError: the tool was called too often, according to the policy.
        """
        return self._call(name, arguments, context)

    async def _run(self, name: str, arguments: Arguments, context: CallContext) -> ToolResult:
        tool = self.get(name)
        if tool is None:
            raise UnknownToolError(name)
        checked = tool.check(arguments)
        try:
            result = tool.run(checked, context)
            return result if isinstance(result, ToolResult) else await result
        except InputRequiredError:
            raise
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
