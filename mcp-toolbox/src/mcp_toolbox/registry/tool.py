"""A tool: its description for models, the check of its arguments, and the function that runs it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
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
    """The properties of a tool that a client may rely on (MCP's tool annotations).

    `read_only`: the tool changes nothing. `idempotent`: a second equal call changes nothing more. `open_world`: the
    tool reaches beyond the toolbox. `destructive` is false by default here; the protocol's own default is true.
    """

    title: str | None = None
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = True

    def to_wire(self) -> dict[str, Any]:
        """Returns the `annotations` object of `tools/list`."""
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
    """The answer to a call: content blocks for a model (as in MCP), the same as structured data for a program, and
    whether the tool failed."""

    content: tuple[dict[str, Any], ...]
    structured: dict[str, Any] | None = None
    is_error: bool = False

    @classmethod
    def of(cls, text: str, structured: dict[str, Any] | None = None, *, is_error: bool = False) -> ToolResult:
        """Returns a result with one text."""
        return cls(({"type": "text", "text": text},), structured, is_error)

    @property
    def text(self) -> str:
        """All texts of the content, one per line."""
        return "\n".join(block["text"] for block in self.content if block["type"] == "text")

    def to_wire(self) -> dict[str, Any]:
        """Returns the result as MCP's CallToolResult."""
        answer: dict[str, Any] = {"content": list(self.content), "isError": self.is_error}
        if self.structured is not None:
            answer["structuredContent"] = self.structured
        return answer


@dataclass(frozen=True)
class Tool:
    """One tool of the registry.

    `check` turns arguments from JSON into those of `run`, or raises InvalidArgumentsError. `run` returns a result or an
    awaitable of one, and raises ToolFailedError if the tool cannot do what it was asked. `through` are the ids of the
    toolboxes that it has come through. Two tools are equal if a client sees no difference between them.
    """

    name: str
    description: str
    input_schema: Schema
    output_schema: Schema | None
    hints: Hints
    check: Callable[[Arguments], dict[str, Any]] = field(compare=False)
    run: Callable[[dict[str, Any], CallContext], ToolResult | Awaitable[ToolResult]] = field(compare=False)
    through: tuple[str, ...] = field(default=(), compare=False)

    def to_wire(self) -> dict[str, Any]:
        """Returns the tool's entry in `tools/list`, the same over MCP and REST."""
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
    """Returns the tool that a typed function defines.

    The function's name and docstring are the tool's. Each parameter is `Annotated[type, Field(description=...)]`,
    except one of type `CallContext`, which the toolbox passes in. The returned value becomes `{"result": value}`.

    Raises:
        ToolDefinitionError: the docstring, a parameter's description or the return type is missing.
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
    """Returns the value of a tool's function as a result."""
    if isinstance(value, Decimal):
        return ToolResult.of(numbers.to_text(value), {"result": numbers.to_json(value)})
    if isinstance(value, str):
        return ToolResult.of(value, {"result": value})
    data = to_jsonable_python(value)
    return ToolResult.of(dump_json(data).decode(), {"result": data})


class _Untitled(GenerateJsonSchema):
    """Generates schemas without titles: they repeat the names, and each model pays for them by the token."""

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
    shared = (
        {"$defs": result.pop("$defs")} if "$defs" in result else {}
    )  # references to them start at the root of the schema
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
