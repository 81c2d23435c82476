"""Answers that follow a JSON schema: by Bedrock's own means where a model has them, else by a tool that must be called.

The tool's arguments are then the answer, and nobody but this dialect ever sees that there was a call.
Source: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
"""

from __future__ import annotations

import re
from itertools import chain, count
from typing import Any

from llm_gateway.catalog import Model
from llm_gateway.errors import InvalidRequest
from llm_gateway.types import Request, ResponseFormat, Tool

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What Bedrock takes as the name of a tool, and Claude as the id of a call."""

_FALLBACK = "json_answer"


def native(request: Request, model: Model) -> ResponseFormat | None:
    """The schema, when the model itself can be held to it."""
    wanted = request.response_format
    if wanted is None or wanted.type != "json_schema" or wanted.schema is None:
        return None
    return wanted if "json_schema" in model.supports else None


def answer_tool(request: Request, model: Model) -> str | None:
    """The name of the tool that stands for the answer, or None when there is no need of one.

    Who forces the model to call one of the caller's own tools gets that call, and no answer that a schema could fit.
    """
    wanted, choice = request.response_format, request.tool_choice
    if wanted is None or wanted.type == "text" or native(request, model) is not None:
        return None
    if request.tools and choice is not None and choice.mode in ("required", "tool"):
        return None
    taken = {tool.name for tool in request.tools}
    asked = wanted.name if wanted.name and NAME.fullmatch(wanted.name) else _FALLBACK
    numbered = (f"{_FALLBACK}_{number}" for number in count(1))
    return next(name for name in chain((asked, _FALLBACK), numbered) if name not in taken)


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
