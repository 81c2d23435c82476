"""Encodes a request as the body of `POST /chat/completions`."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import msgspec

from llm_gateway.canonical import Request, ResponseFormat, Tool, ToolChoice
from llm_gateway.catalog.models import Endpoint, Model
from llm_gateway.dialects.common.cache_control import control_of
from llm_gateway.dialects.common.reasoning_effort import effort_of
from llm_gateway.dialects.openai_chat import NAME
from llm_gateway.dialects.openai_chat.encode_messages import has_marks, messages

_encode = msgspec.json.Encoder().encode

_PLAIN = (
    "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n", "logprobs",
    "top_logprobs", "parallel_tool_calls", "user",
)  # fmt: skip
_plain = attrgetter(*_PLAIN)

_RESPONSES = "openai_responses"
_SHARED_HINTS = frozenset({"prompt_cache_key", "safety_identifier", "service_tier", "verbosity"})
"""Hints that have the same name and meaning in the Responses API."""


def encode_request(request: Request, model: Model) -> bytes:
    """Returns the body that sends `request` to `model`; `max_tokens` is clamped to the model's limit."""
    endpoint = model.endpoint
    body: dict[str, Any] = {"model": model.id, "messages": messages(request, model)}
    for name, value in zip(_PLAIN, _plain(request), strict=True):
        if value is not None:
            body[name] = value
    if request.max_tokens is not None:
        limit = model.max_output_tokens
        body[endpoint.max_tokens_field] = min(request.max_tokens, limit) if limit else request.max_tokens
    if request.reasoning_effort is not None or request.reasoning_budget is not None:
        body.update(_thinking(request, endpoint))
    if request.top_k is not None and "top_k" in endpoint.also_carries:
        body["top_k"] = request.top_k
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = [_tool(tool, endpoint) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _tool_choice(request.tool_choice)
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format)
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    if request.dialect == NAME:
        body.update(request.hints)
        body.update(request.extra)
    elif request.dialect == _RESPONSES:
        body.update((name, value) for name, value in request.hints.items() if name in _SHARED_HINTS)
    body.update(endpoint.extra_body)
    return _encode(body)


def dropped(request: Request, model: Model) -> tuple[str, ...]:
    """Returns the names of what is not sent: fields of another dialect, and cache marks if the endpoint takes none."""
    foreign: tuple[str, ...] = () if request.dialect == NAME else (*request.hints, *request.extra)
    if request.dialect == _RESPONSES:
        foreign = tuple(name for name in foreign if name not in _SHARED_HINTS or name in request.extra)
    if not model.endpoint.cache_marks and has_marks(request):
        return (*foreign, "cache_control")
    return foreign


def _thinking(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """Returns the reasoning fields in the endpoint's form. A budget of 0 sends nothing, except where the endpoint takes
    budgets."""
    effort, budget = request.reasoning_effort, request.reasoning_budget
    if "reasoning_budget" in endpoint.also_carries:
        if budget is None:
            return {"reasoning": {"effort": effort}}
        return {"reasoning": {"max_tokens": budget} if budget else {"enabled": False}}
    if effort is None and budget:
        effort = effort_of(budget)
    return {} if effort is None else {"reasoning_effort": effort}


def _tool(tool: Tool, endpoint: Endpoint) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    sent: dict[str, Any] = {"type": "function", "function": function}
    if tool.cache and endpoint.cache_marks:
        sent["cache_control"] = control_of(tool.cache)
    return sent


def _tool_choice(choice: ToolChoice) -> Any:
    return {"type": "function", "function": {"name": choice.name}} if choice.mode == "tool" else choice.mode


def _response_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.type != "json_schema":
        return {"type": wanted.type}
    schema = {"name": wanted.name, "schema": wanted.schema, "strict": wanted.strict, "description": wanted.description}
    return {
        "type": "json_schema",
        "json_schema": {name: value for name, value in schema.items() if value is not None},
    }
