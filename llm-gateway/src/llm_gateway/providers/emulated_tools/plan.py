"""How the tools of one request are asked for, and so how the answer is to be read."""

from __future__ import annotations

from typing import Literal

import msgspec

from llm_gateway.canonical import Request, ResponseFormat, Tool
from llm_gateway.catalog.models import Model
from llm_gateway.errors import InvalidRequest
from llm_gateway.providers.emulated_tools.constraint import calls_schema, either_schema

_SYNTAX = '{"answer": "{"answer":"{"tool_calls": [{"name": "{"tool_calls":[{"name":"'


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`tools` are those that may be called now; `must_call` says that the answer has to be a call, `one_call` that it
    may have no more than one.

    `envelope` says how an answer that is no call comes: bare, or in `{"answer": …}` as a JSON string (`text`) or as
    any JSON value (`value`), which a schema makes sure of. `response_format` and `stop` are what the model is sent.
    """

    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    one_call: bool = False
    envelope: Literal["text", "value"] | None = None
    response_format: ResponseFormat | None = None
    stop: tuple[str, ...] = ()


def plan_of(request: Request, model: Model) -> Plan:
    """Returns the plan for `request`, which speaks of tools, with `model`.

    Raises:
        InvalidRequest: it asks for what cannot be emulated; names the parameter.
    """
    tools = _callable(request)
    if not tools:
        return Plan(response_format=request.response_format, stop=request.stop)
    if request.logprobs:
        raise _unsupported("logprobs", "they would be those of the tool notation, not of the answer")
    choice = request.tool_choice
    must_call = choice is not None and choice.mode in ("required", "tool")
    one_call = request.parallel_tool_calls is False or (choice is not None and choice.mode == "tool")
    wanted = request.response_format if request.response_format and request.response_format.type != "text" else None
    if "json_schema" not in model.supports:
        if wanted is not None and not must_call:
            raise _unsupported("response_format", f"'{model.name}' cannot be held to a schema beside its tools")
        return Plan(tools=tools, must_call=must_call, one_call=one_call, stop=request.stop)
    if must_call:
        schema = calls_schema(tools, one_call)
        return Plan(tools=tools, must_call=True, one_call=one_call, response_format=_held_to(schema))
    answer = {"type": "string"} if wanted is None else wanted.schema or {"type": "object"}
    return Plan(
        tools=tools,
        one_call=one_call,
        envelope="text" if wanted is None else "value",
        response_format=_held_to(either_schema(tools, one_call, answer)),
        stop=_escaped(request.stop),
    )


def _callable(request: Request) -> tuple[Tool, ...]:
    choice = request.tool_choice
    if choice is None or choice.mode in ("auto", "required"):
        return request.tools
    if choice.mode == "none":
        return ()
    named = tuple(tool for tool in request.tools if tool.name == choice.name)
    if not named:
        raise InvalidRequest(f"tool_choice: there is no tool '{choice.name}'", param="tool_choice")
    return named


def _held_to(schema: dict[str, object]) -> ResponseFormat:
    return ResponseFormat(type="json_schema", name="reply", schema=schema, strict=True)


def _escaped(stop: tuple[str, ...]) -> tuple[str, ...]:
    """Stop sequences as the model writes them inside of a JSON string.

    Raises:
        InvalidRequest: one of them would end the answer in the notation around it.
    """
    escaped = tuple(msgspec.json.encode(text).decode()[1:-1] for text in stop)
    if any(text in _SYNTAX or text in '"}]}' for text in escaped):
        raise _unsupported("stop", "it is part of the notation of emulated tools")
    return escaped


def _unsupported(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{param}: not with emulated tools: {why}", param=param, code="unsupported_parameter")
