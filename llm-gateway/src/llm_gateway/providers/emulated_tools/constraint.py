"""JSON Schemas that hold a model to the notation of tool calls, for servers that decode by a schema.

Only the keywords that such servers share are passed on; whether a call fits its tool's whole schema is checked when it
is read.
"""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import Tool

Schema = dict[str, Any]

_MOST_CALLS = 8
"""Calls in one answer: a small model that is free to go on may never stop."""

_AS_IT_IS = (
    "$ref", "type", "enum", "const", "required", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength",
)  # fmt: skip
_ONE = ("items", "additionalProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions")


def calls_schema(tools: tuple[Tool, ...], one_call: bool) -> Schema:
    """Returns `{"tool_calls": [{"name": …, "arguments": …}, …]}` with one or more calls of `tools`."""
    definitions = _definitions(tools)
    return {**_calls(tools, one_call), **({"$defs": definitions} if definitions else {})}


def either_schema(tools: tuple[Tool, ...], one_call: bool, answer: Schema) -> Schema:
    """Such calls, or `{"answer": …}` with a value of the schema `answer`."""
    definitions = _definitions(tools)
    value = answer
    if "$ref" in str(answer):
        definitions["answer"] = _moved(answer, "#/$defs/answer")
        value = {"$ref": "#/$defs/answer"}
    wrapped = {
        "type": "object",
        "properties": {"answer": value},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return {"anyOf": [_calls(tools, one_call), wrapped], **({"$defs": definitions} if definitions else {})}


def _calls(tools: tuple[Tool, ...], one_call: bool) -> Schema:
    each = [_call(number, tool) for number, tool in enumerate(tools)]
    most = 1 if one_call else _MOST_CALLS
    items = each[0] if len(each) == 1 else {"anyOf": each}
    return {
        "type": "object",
        "properties": {"tool_calls": {"type": "array", "items": items, "minItems": 1, "maxItems": most}},
        "required": ["tool_calls"],
        "additionalProperties": False,
    }


def _call(number: int, tool: Tool) -> Schema:
    arguments = {"$ref": _place(number)} if _refers(tool) else _arguments(tool)
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _definitions(tools: tuple[Tool, ...]) -> Schema:
    """Returns the parameters of tools whose schemas refer to parts of themselves: those need a place of their own."""
    return {
        f"tool_{number}": _moved(_arguments(tool), _place(number)) for number, tool in enumerate(tools) if _refers(tool)
    }


def _place(number: int) -> str:
    return f"#/$defs/tool_{number}"


def _refers(tool: Tool) -> bool:
    return "$ref" in str(tool.parameters)


def _arguments(tool: Tool) -> Schema:
    schema = _portable(tool.parameters)
    return schema if "$ref" in schema else {**schema, "type": "object"}


def _portable(schema: Any) -> Any:
    """Returns `schema` with the shared keywords alone."""
    if not isinstance(schema, dict):
        return schema
    kept: Schema = {name: schema[name] for name in _AS_IT_IS if name in schema}
    for name in _ONE:
        if name in schema:
            kept[name] = _portable(schema[name])
    for name in _LISTS:
        if isinstance(schema.get(name), list):
            kept[name] = [_portable(part) for part in schema[name]]
    for name in _MAPS:
        if isinstance(schema.get(name), dict):
            kept[name] = {key: _portable(part) for key, part in schema[name].items()}
    return kept


def _moved(schema: Any, root: str) -> Any:
    """Returns `schema` with its local references as seen from where it is put (`root`)."""
    if isinstance(schema, list):
        return [_moved(part, root) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: root + part[1:]
        if name == "$ref" and isinstance(part, str) and part.startswith("#")
        else _moved(part, root)
        for name, part in schema.items()
    }
