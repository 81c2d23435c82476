"""A tool: what a model reads about it, how its arguments are checked, and what runs it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_json as dump_json
from pydantic_core import to_jsonable_python

from mcp_toolbox.errors import InvalidArgumentsError, ToolDefinitionError, printable
from mcp_toolbox.registry import numbers
from mcp_toolbox.registry.context import CallContext

Schema = dict[str, Any]
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Hints:
    """What a client may assume about a tool (MCP's tool annotations).

    `read_only`: it changes nothing. `idempotent`: a second equal call changes nothing more. `open_world`: it
    reaches beyond the toolbox. `destructive` has to be said explicitly here; the protocol's own default is true.
    """

    title: str | None = None
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = True

    def to_wire(self) -> dict[str, Any]:
        """The `annotations` object of `tools/list`."""
        named = {"title": self.title} if self.title else {}
        return {
            **named,
            "readOnlyHint": self.read_only,
            "destructiveHint": self.destructive,
            "idempotentHint": self.idempotent,
            "openWorldHint": self.open_world,
        }


@dataclass(frozen=True)
class ToolResult:
    """What a call answers: blocks of content for a model (MCP's content blocks), the same as data for a program, and
    whether the tool failed."""

    content: tuple[dict[str, Any], ...]
    structured: dict[str, Any] | None = None
    is_error: bool = False

    @classmethod
    def of(cls, text: str, structured: dict[str, Any] | None = None, *, is_error: bool = False) -> ToolResult:
        """A result that is one text."""
        return cls(({"type": "text", "text": text},), structured, is_error)

    @property
    def text(self) -> str:
        """All texts of the content, a line each."""
        return "\n".join(block["text"] for block in self.content if block["type"] == "text")

    def to_wire(self) -> dict[str, Any]:
        """MCP's CallToolResult."""
        answer: dict[str, Any] = {"content": list(self.content), "isError": self.is_error}
        if self.structured is not None:
            answer["structuredContent"] = self.structured
        return answer


@dataclass(frozen=True)
class Tool:
    """One tool of the catalog.

    `check` turns arguments from JSON into what `run` takes, or raises InvalidArgumentsError. `run` answers at once
    or later; what it raises on purpose is a ToolFailedError.
    """

    name: str
    description: str
    input_schema: Schema
    output_schema: Schema | None
    hints: Hints
    check: Callable[[Arguments], dict[str, Any]]
    run: Callable[[dict[str, Any], CallContext], ToolResult | Awaitable[ToolResult]]

    def to_wire(self) -> dict[str, Any]:
        """The tool's entry in `tools/list`, over MCP and REST alike."""
        entry: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "inputSchema": self.input_schema,
            "outputSchema": self.output_schema,
            "annotations": self.hints.to_wire(),
        }
        if self.hints.title:
            entry["title"] = self.hints.title
        return {key: value for key, value in entry.items() if value is not None}


def from_function(function: Callable[..., Any], hints: Hints) -> Tool:
    """The tool that a typed function is.

    Its name and docstring are the tool's; each parameter is `Annotated[type, Field(description=...)]`, but for one of
    type `CallContext`, which is given and not asked for; what it returns becomes `{"result": value}`.

    Raises:
        ToolDefinitionError: something that a model needs to read is missing.
    """
    name = function.__name__
    description = " ".join((inspect.getdoc(function) or "").split())
    if not description:
        raise ToolDefinitionError(f"tool {name}: the function has no docstring, which is what a model reads")
    types = get_type_hints(function, include_extras=True)
    if "return" not in types:
        raise ToolDefinitionError(f"tool {name}: the function does not say what it returns")
    returns = types.pop("return")
    context = next((parameter for parameter, kind in types.items() if kind is CallContext), None)
    types.pop(context or "", None)
    fields: dict[str, Any] = {parameter: (kind, _default(function, parameter)) for parameter, kind in types.items()}
    model = create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)
    return Tool(
        name=name,
        description=description,
        input_schema=_input_schema(model),
        output_schema=_output_schema(returns),
        hints=hints,
        check=_checker(model),
        run=_runner(function, context),
    )


def _runner(function: Callable[..., Any], context: str | None) -> Callable[[dict[str, Any], CallContext], Any]:
    def called(arguments: dict[str, Any], given: CallContext) -> Any:
        return function(**arguments, **{context: given}) if context else function(**arguments)

    if not inspect.iscoroutinefunction(function):
        return lambda arguments, given: rendered(called(arguments, given))

    async def later(arguments: dict[str, Any], given: CallContext) -> ToolResult:
        return rendered(await called(arguments, given))

    return later


def rendered(value: Any) -> ToolResult:
    """What a tool's function returned, as its result."""
    if isinstance(value, Decimal):
        return ToolResult.of(numbers.to_text(value), {"result": numbers.to_json(value)})
    if isinstance(value, str):
        return ToolResult.of(value, {"result": value})
    data = to_jsonable_python(value)
    return ToolResult.of(dump_json(data).decode(), {"result": data})


class _Untitled(GenerateJsonSchema):
    """Titles repeat the names, and every model pays for them by the token."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _default(function: Callable[..., Any], parameter: str) -> Any:
    default = inspect.signature(function).parameters[parameter].default
    return Field() if default is inspect.Parameter.empty else default


def _input_schema(model: Any) -> Schema:
    schema = model.model_json_schema(schema_generator=_Untitled)
    schema.pop("title", None)
    for parameter, described in schema.get("properties", {}).items():
        if not described.get("description"):
            raise ToolDefinitionError(f"tool {model.__name__}: parameter {parameter} has no description")
    return schema


def _output_schema(returns: Any) -> Schema:
    result = TypeAdapter(returns).json_schema(schema_generator=_Untitled, mode="serialization")
    shared = {"$defs": result.pop("$defs")} if "$defs" in result else {}  # they are referred to from the schema's root
    return {"type": "object", "properties": {"result": result}, "required": ["result"], **shared}


def _checker(model: Any) -> Callable[[Arguments], dict[str, Any]]:
    validator = model.__pydantic_validator__  # compiled once; `model_validate` would only add a frame

    def check(arguments: Arguments) -> dict[str, Any]:
        try:
            return vars(validator.validate_python(arguments))
        except ValidationError as error:
            raise _explained(error) from None

    return check


def _explained(error: ValidationError) -> InvalidArgumentsError:
    problems = [
        (".".join(printable(str(step)) for step in item["loc"]), item["msg"])
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    lines = [f"{field}: {message}" if field else message for field, message in problems]
    return InvalidArgumentsError(problems[0][0], lines)
