"""Answers that follow a JSON schema: by Bedrock's own means where a model has them, else by a tool that must be called.

The tool's arguments are then the answer, and nobody but this dialect ever sees that there was a call.
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
"""What Bedrock takes as the name of a tool, and Claude as the id of a call."""


def native_format(request: Request, model: Model) -> ResponseFormat | None:
    """The schema, when the model itself can be held to it."""
    wanted = request.response_format
    if wanted is None or wanted.type != "json_schema" or wanted.schema is None:
        return None
    return wanted if has_schemas(model) else None


def instruction_blocks(request: Request, model: Model) -> list[dict[str, str]]:
    """A sentence for the system prompt, when any JSON object will do and the model thinks, which forbids force."""
    return [{"text": JSON_INSTRUCTION}] if _needs_instruction(request, model) else []


def _needs_instruction(request: Request, model: Model) -> bool:
    wanted = request.response_format
    if wanted is None or wanted.type == "text" or wanted.schema is not None:
        return False
    generation = generation_of(model.id)
    asked = bool(request.reasoning_budget) or request.reasoning_effort not in (None, "none")
    return generation.thinks_unasked or (asked and generation.version is not None)


def answer_tool(request: Request, model: Model) -> str | None:
    """The name of the tool that stands for the answer, or None when there is no need of one.

    Who forces the model to call one of the caller's own tools gets that call, and no answer that a schema could fit.
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
    """The tool whose arguments are the answer."""
    description = wanted.description or "Give the final answer to the user. Call it once, with the whole answer."
    return Tool(name=name, description=description, parameters=object_schema(wanted.schema or {}, "response_format"))


def object_schema(schema: dict[str, Any], param: str) -> dict[str, Any]:
    """`schema` as Bedrock wants one: its root says that it is an object.

    Raises:
        InvalidRequest: it is something else.
    """
    kind = schema.get("type")
    if kind is None:
        return {"type": "object", **schema}
    if kind != "object":
        raise InvalidRequest(f"{param}: the root of a schema must be an object", param=param)
    return schema
