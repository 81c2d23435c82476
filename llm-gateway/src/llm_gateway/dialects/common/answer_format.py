"""What dialects without OpenAI's `response_format` share: a schema where the model can be held to one, else a tool.

The model is made to call the tool, whose arguments become the text of the answer. A model that may not be forced to use
a tool while it thinks is asked in the system prompt.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count

from llm_gateway.canonical import Tool
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common.claude_models import generation_of

ANSWER_TOOL = "json_answer"
"""The name of the tool, unless a tool of the client's has it."""

JSON_INSTRUCTION = "Answer with one JSON object and nothing else: no text around it and no code fence."


def has_schemas(model: Model) -> bool:
    """Whether `model` can be held to a JSON schema: by its catalog row, or else by the Claude generation of its id."""
    return "json_schema" in model.supports if model.supports else generation_of(model.id).schemas


def unused_name(tools: Iterable[Tool], preferred: str = ANSWER_TOOL) -> str:
    """Returns `preferred`, or else `json_answer`, `json_answer_1` and so on: the first that no tool in `tools` has."""
    taken = {tool.name for tool in tools}
    numbered = (f"{ANSWER_TOOL}_{number}" for number in count(1))
    return next(name for name in chain((preferred, ANSWER_TOOL), numbered) if name not in taken)
