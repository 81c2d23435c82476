"""Tools for models that have no tool calling of their own: described in the prompt, read from the answer's text.

The catalog says which models (`supports: [emulated_tools]`). `plan` decides how a request's tools are asked for,
`prompt` rewrites the request, `streaming` turns the answer back into text and tool calls. Nothing here does I/O.
"""

from __future__ import annotations

from llm_gateway.canonical import Message, Request, ToolCall
from llm_gateway.catalog.models import Model

EMULATED_TOOLS = "emulated_tools"


def is_emulated(model: Model) -> bool:
    """Returns whether tools are emulated for `model`; `tools` beside `emulated_tools` says that the model is good
    enough at emulated tools to be offered some where there is a choice, not that it has tool calling of its own."""
    return EMULATED_TOOLS in model.supports


def emulates(request: Request, model: Model) -> bool:
    """Returns whether `request` speaks of tools, and `model` is one for which they are emulated."""
    return is_emulated(model) and (bool(request.tools) or any(map(_has_calls, request.messages)))


def _has_calls(message: Message) -> bool:
    return message.role == "tool" or any(isinstance(part, ToolCall) for part in message.content)
