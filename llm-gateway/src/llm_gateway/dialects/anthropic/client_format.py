"""Answers in a form: natively where the model has it, else by a tool whose arguments are the answer.

The tool is forced, so that the model cannot but call it; beside the client's own tools any one of them is. What it
is called with becomes the text of the answer again, plain and streamed. A JSON object without a schema is asked for
in the same way, by a tool that takes any object.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from typing import Any

from llm_gateway.catalog import Model
from llm_gateway.types import Request, ResponseFormat, Tool

_ANSWER = "json_answer"
_ANY_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}


def native_format(request: Request, model: Model) -> dict[str, Any] | None:
    """The `output_config.format` of a request, where it asks for a schema that `model` itself keeps to."""
    wanted = request.response_format
    if wanted is None or wanted.schema is None or "json_schema" not in model.supports:
        return None
    return {"type": "json_schema", "schema": closed(wanted.schema)}


def closed(schema: Any) -> Any:
    """`schema` with every object closed that does not say whether it is: an open one is refused."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value if name in _VALUES else closed(value) for name, value in schema.items()}
    if kept.get("type") == "object" and "additionalProperties" not in kept:
        kept["additionalProperties"] = False
    return kept


_VALUES = frozenset({"const", "default", "enum", "examples", "required"})
"""Keywords of a schema whose value is data, not a schema."""


def answer_tool(request: Request, model: Model) -> Tool | None:
    """The tool that stands for the form of the answer, where there is no other way."""
    wanted = request.response_format
    if wanted is None or wanted.type == "text" or native_format(request, model) is not None:
        return None
    return Tool(name=_free_name(request), description=_purpose(wanted), parameters=wanted.schema or _ANY_OBJECT)


def _purpose(wanted: ResponseFormat) -> str:
    about = f" {wanted.description}" if wanted.description else ""
    return f"Gives the final answer to the user, as JSON.{about}"


def _free_name(request: Request) -> str:
    name, taken = _ANSWER, {tool.name for tool in request.tools}
    while name in taken:
        name += "_"
    return name
