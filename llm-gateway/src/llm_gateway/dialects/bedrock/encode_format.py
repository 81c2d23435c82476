"""Structured output: by Bedrock's `outputConfig` if the model has it, else by a tool that the model is forced to call.

The tool's arguments are the answer; the decoder turns the call back into text.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
"""

from __future__ import annotations

import re
from typing import Any

from llm_gateway.canonical import Request, ResponseFormat, Tool
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common.answer_format import ANSWER_TOOL, JSON_INSTRUCTION, has_schemas, unused_name
from llm_gateway.dialects.common.claude_models import generation_of
from llm_gateway.errors import InvalidRequest

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""A valid tool name for Bedrock, and a valid call id for Claude."""


def native_format(request: Request, model: Model) -> ResponseFormat | None:
    """Returns the requested schema if the model supports schemas, else None."""
    wanted = request.response_format
    if wanted is None or wanted.type != "json_schema" or wanted.schema is None:
        return None
    return wanted if has_schemas(model) else None


def instruction_blocks(request: Request, model: Model) -> list[dict[str, str]]:
    """Returns an instruction for the system prompt if any JSON object is wanted and the model, since it thinks, may not
    be forced to use a tool."""
    return [{"text": JSON_INSTRUCTION}] if _needs_instruction(request, model) else []


def _needs_instruction(request: Request, model: Model) -> bool:
    wanted = request.response_format
    if wanted is None or wanted.type == "text" or wanted.schema is not None:
        return False
    generation = generation_of(model.id)
    asked = bool(request.reasoning_budget) or request.reasoning_effort not in (None, "none")
    return generation.thinks_unasked or (asked and generation.version is not None)


def answer_tool(request: Request, model: Model) -> str | None:
    """Returns the name of the answer's tool, or None if none is needed.

    A request that forces one of the client's own tools gets that call, so it needs none.
    """
    wanted, choice = request.response_format, request.tool_choice
    if (
        wanted is None
        or wanted.type == "text"
        or native_format(request, model) is not None
        or _needs_instruction(request, model)
    ):
        return None
    if request.tools and choice is not None and choice.mode in ("required", "tool"):
        return None
    return unused_name(request.tools, wanted.name if wanted.name and TOOL_NAME.fullmatch(wanted.name) else ANSWER_TOOL)


def as_tool(wanted: ResponseFormat, name: str) -> Tool:
    """Returns the tool whose arguments are the answer."""
    description = wanted.description or "Give the final answer to the user. Call it once, with the whole answer."
    return Tool(name=name, description=description, parameters=object_schema(wanted.schema or {}, "response_format"))


def object_schema(schema: dict[str, Any], param: str) -> dict[str, Any]:
    """Returns `schema` with the explicit `"type": "object"` that Bedrock requires.

    Raises:
        InvalidRequest: the root is not an object.
    """
    kind = schema.get("type")
    if kind is None:
        return {"type": "object", **schema}
    if kind != "object":
        raise InvalidRequest(f"{param}: the root of a schema must be an object", param=param)
    return schema
