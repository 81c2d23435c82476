"""Structured output: by `output_config.format` if the model has it, else by a tool whose arguments are the answer.

The model is forced to call that tool, or any tool if the client has tools of its own. The arguments of the call become
the text of the answer, plain and streamed. A JSON object without a schema is asked for by a tool that takes any object;
a model that thinks may not be forced, and is asked in the system prompt.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Request, ResponseFormat, Tool
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.anthropic import NAME
from llm_gateway.dialects.common.answer_format import JSON_INSTRUCTION, has_schemas, unused_name
from llm_gateway.dialects.common.claude_models import generation_of
from llm_gateway.dialects.common.closed_schema import closed

_ANY_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}


class FormatPlan(msgspec.Struct, frozen=True):
    """How an answer's format is asked for: by one of `output_config.format`, a tool or an instruction; by none for
    text."""

    native: dict[str, Any] | None = None
    tool: Tool | None = None
    instruction: str | None = None


_FREE = FormatPlan()


def format_plan(request: Request, model: Model) -> FormatPlan:
    """Returns how `model` is asked for the format that `request` wants. The encoder and the decoder both call it, so it
    depends on nothing else."""
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return _FREE
    if wanted.schema is not None and has_schemas(model):
        schema = wanted.schema if request.dialect == NAME else closed(wanted.schema)
        return FormatPlan(native={"type": "json_schema", "schema": schema})
    if wanted.schema is None and _thinks(request, model):
        return FormatPlan(instruction=JSON_INSTRUCTION)
    parameters = wanted.schema or _ANY_OBJECT
    return FormatPlan(tool=Tool(name=unused_name(request.tools), description=_purpose(wanted), parameters=parameters))


def _thinks(request: Request, model: Model) -> bool:
    asked = bool(request.reasoning_budget) or request.reasoning_effort not in (None, "none")
    return asked or generation_of(model.id).thinks_unasked


def _purpose(wanted: ResponseFormat) -> str:
    about = f" {wanted.description}" if wanted.description else ""
    return f"Gives the final answer to the user, as JSON.{about}"
