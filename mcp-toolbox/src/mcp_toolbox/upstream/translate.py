"""Translation of another server's tool into a `Tool`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp import types
from pydantic_core import to_json

from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.origin import MOST, through
from mcp_toolbox.registry.tool import Arguments, Hints, Tool, ToolResult
from mcp_toolbox.upstream.names import tool_names
from mcp_toolbox.upstream.sanitize import cleaned, cleaned_schema, shortened
from mcp_toolbox.upstream.schema_check import SchemaCheck
from mcp_toolbox.upstream.self_contained import UnusableSchema
from mcp_toolbox.upstream.spec import ServerSpec

Forward = Callable[[str, dict[str, Any], CallContext, SchemaCheck | None], Awaitable[ToolResult]]
"""Calls a tool by the server's own name for it; the check is for its result."""

MAX_TOOLS = 1_000


@dataclass(frozen=True)
class Translation:
    """The tools of a server by their own names, and the problems of others."""

    tools: Mapping[str, Tool]
    problems: tuple[str, ...]


class Translator:
    """Translates the tools of one server. A tool that has not changed stays the same object, with its schemas
    compiled. `toolbox` is the id of this toolbox: what has come through it is not offered again."""

    def __init__(self, spec: ServerSpec, forward: Forward, toolbox: str = "") -> None:
        self._toolbox = toolbox
        self._spec = spec
        self._forward = forward
        self._known: dict[str, tuple[types.Tool, str, Tool | None, tuple[str, ...]]] = {}

    def translate(self, listed: Iterable[types.Tool]) -> Translation:
        """Returns those tools of `listed` that the operator allows; of two tools with one name, the first."""
        problems: list[str] = []
        unique: dict[str, types.Tool] = {}
        returned = 0
        for tool in listed:
            passed = through(tool.meta)
            if self._toolbox in passed or len(passed) > MOST:
                returned += 1
            elif tool.name in unique:
                problems.append(f"{_shown(tool.name)}: listed twice")
            else:
                unique[tool.name] = tool
        if returned:
            problems.append(f"{returned} tools come back from this toolbox itself and are left out")
        if len(unique) > MAX_TOOLS:
            problems.append(f"more than {MAX_TOOLS} tools; the rest is left out")
        names = tool_names(
            self._spec.prefix, unique
        )  # of all tools, so that a deny list does not change the names of the others
        known: dict[str, tuple[types.Tool, str, Tool | None, tuple[str, ...]]] = {}
        for name, tool in list(unique.items())[:MAX_TOOLS]:
            if self._spec.allows(name):
                known[name] = self._translated(tool, names[name])
        self._known = known
        tools = {name: made for name, (_, _, made, _) in known.items() if made is not None}
        return Translation(tools, (*problems, *(text for *_, found in known.values() for text in found)))

    def _translated(self, tool: types.Tool, name: str) -> tuple[types.Tool, str, Tool | None, tuple[str, ...]]:
        before = self._known.get(tool.name)
        if before is not None and before[:2] == (tool, name):
            return before
        try:
            made, problems = self._made(tool, name)
        except UnusableSchema as error:
            return tool, name, None, (f"{_shown(tool.name)}: left out, its input schema {error}",)
        return tool, name, made, problems

    def _made(self, tool: types.Tool, name: str) -> tuple[Tool, tuple[str, ...]]:
        if tool.input_schema.get("type") != "object":
            raise UnusableSchema("is not one of an object")
        arguments = SchemaCheck(tool.input_schema, drop_patterns=True)
        result, problems = _output_check(tool)
        problems = (*(f"{_shown(tool.name)}: {note}" for note in arguments.notes), *problems)
        text, hidden = cleaned(tool.description or "")
        input_schema, in_input = cleaned_schema(arguments.schema)
        output_schema, in_output = cleaned_schema(result.schema if result else None)
        if total := hidden + in_input + in_output:
            problems = (*problems, f"{_shown(tool.name)}: {total} hidden characters taken out")
        made = Tool(
            name=name,
            description=shortened(text) or f"The tool {_shown(tool.name)} of the server {_shown(self._spec.name)}.",
            input_schema=input_schema,
            output_schema=output_schema,
            hints=self._hints(tool),
            check=_checker(arguments),
            run=self._runner(tool.name, result),
            through=through(tool.meta),
        )
        return made, problems

    def _runner(self, name: str, result: SchemaCheck | None) -> Callable[[dict[str, Any], CallContext], Any]:
        return lambda arguments, context: self._forward(name, arguments, context, result)

    def _hints(self, tool: types.Tool) -> Hints:
        said = tool.annotations or types.ToolAnnotations()
        title = cleaned(tool.title or said.title or "")[0]
        return Hints(
            title=shortened(title, 200) or None,
            read_only=said.read_only_hint is True,
            destructive=said.destructive_hint is True or self._spec.marks_destructive(tool.name),
            idempotent=said.idempotent_hint is True,
            open_world=said.open_world_hint is not False,
        )


def _output_check(tool: types.Tool) -> tuple[SchemaCheck | None, tuple[str, ...]]:
    """Returns the check of a tool's results, if its output schema is one of an object; another schema is not passed
    on."""
    if tool.output_schema is None:
        return None, ()
    try:
        if tool.output_schema.get("type") != "object":
            raise UnusableSchema("is not one of an object")
        return SchemaCheck(tool.output_schema), ()
    except UnusableSchema as error:
        return None, (f"{_shown(tool.name)}: its output schema {error} and is not passed on",)


def _checker(schema: SchemaCheck) -> Callable[[Arguments], dict[str, Any]]:
    def check(arguments: Arguments) -> dict[str, Any]:
        given = dict(arguments)
        try:
            to_json(given)
        except ValueError:  # JSON can contain lone surrogates, which cannot be encoded
            raise InvalidArgumentsError("", ["a text is not valid Unicode"]) from None
        problems = schema.problems(given)
        if problems:
            raise InvalidArgumentsError(
                problems[0][0], [f"{path}: {message}" if path else message for path, message in problems]
            )
        return given

    return check


def _shown(name: str) -> str:
    return shortened(cleaned(name)[0], 64)
