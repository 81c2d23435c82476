"""Encodes a request as the body of `POST /v1/messages`.

Source: https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from llm_gateway.canonical import Request, Tool, ToolChoice
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.anthropic import NAME
from llm_gateway.dialects.anthropic.encode_format import FormatPlan, format_plan
from llm_gateway.dialects.anthropic.encode_messages import Block, conversation
from llm_gateway.dialects.anthropic.encode_thinking import Thinking, thinking_of
from llm_gateway.dialects.common.cache_control import control_of, with_fewer_marks
from llm_gateway.dialects.common.claude_models import generation_of
from llm_gateway.errors import InvalidRequest

_DEFAULT_MAX_TOKENS = 4096
_LEAST_THINKING_TOP_P = 0.95
_FORCED = ("required", "tool")

_encode = msgspec.json.Encoder().encode


def encode_request(request: Request, model: Model) -> bytes:
    """Returns the body that sends `request` to `model`. Anthropic requires `max_tokens`: by default it is the model's
    limit.

    Raises:
        InvalidRequest: Anthropic does not support a parameter; names it.
    """
    native = request.dialect == NAME
    request = with_fewer_marks(request)
    thinking = thinking_of(request, model, _max_tokens(request, model), native=native)
    plan = format_plan(request, model)
    system, messages = conversation(request, model)
    body: dict[str, Any] = {"model": model.id, "max_tokens": thinking.max_tokens, "messages": messages}
    if system is not None or plan.instruction:
        body["system"] = _with_instruction(system, plan.instruction)
    body.update(_sampling(request, model, thinking))
    body.update(_tools(request, model, plan, thinking))
    body.update(_output(plan, thinking))
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if request.stream:
        body["stream"] = True
    if native:
        _merge(body, request.hints)
        _merge(body, request.extra)
    _merge(body, model.endpoint.extra_body)
    return _encode(body)


def dropped(request: Request, model: Model) -> tuple[str, ...]:
    """Returns the names of the fields that are not sent: hints and unknown fields of another dialect's client."""
    return () if request.dialect == NAME else (*request.hints, *request.extra)


def _with_instruction(system: str | list[Block] | None, instruction: str | None) -> str | list[Block] | None:
    """Returns the system prompt followed by `instruction`."""
    if instruction is None:
        return system
    blocks = system if isinstance(system, list) else [{"type": "text", "text": system}] if system else []
    return [*blocks, {"type": "text", "text": instruction}]


def _merge(body: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """Adds `fields` to `body`. Objects and lists that both have (`output_config`, `tools`) are merged."""
    for name, value in fields.items():
        known = body.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            value = {**known, **value}
        elif isinstance(known, list) and isinstance(value, list):
            value = [*known, *value]
        body[name] = value


def _max_tokens(request: Request, model: Model) -> int:
    limit = model.max_output_tokens
    wanted = request.max_tokens or limit or _DEFAULT_MAX_TOKENS
    return min(wanted, limit) if limit else wanted


# --- sampling --------------------------------------------------------------------------------------------


def _sampling(request: Request, model: Model, thinking: Thinking) -> dict[str, Any]:
    given = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if request.temperature is not None and request.temperature > 1:
        raise InvalidRequest("temperature: Anthropic's models take 0 to 1", param="temperature")
    if fields:
        _check_samplers(fields, model, thinking)
    if request.stop:
        if not all(sequence.strip() for sequence in request.stop):
            raise _unsupported("stop", "Anthropic takes no sequence of whitespace alone")
        fields["stop_sequences"] = list(request.stop)
    return fields


def _check_samplers(fields: dict[str, Any], model: Model, thinking: Thinking) -> None:
    """Removes values equal to the default where the API takes no others, and refuses, by name, what it would refuse."""
    generation = generation_of(model.id)
    if not generation.sampling or thinking.on:
        for name in ("temperature", "top_p"):
            if fields.get(name) == 1:
                del fields[name]
    if not generation.sampling:
        for name in fields:
            raise _unsupported(name, f"{model.name} takes no sampling parameters")
    if thinking.on:
        _check_while_thinking(fields)
    if generation.one_sampler and "temperature" in fields and "top_p" in fields:
        raise _unsupported("top_p", f"{model.name} takes either temperature or top_p")


def _check_while_thinking(fields: dict[str, Any]) -> None:
    for name in ("temperature", "top_k"):
        if name in fields:
            raise _unsupported(name, "it cannot be changed while the model thinks")
    if fields.get("top_p", 1) < _LEAST_THINKING_TOP_P:
        raise _unsupported("top_p", f"it is at least {_LEAST_THINKING_TOP_P} while the model thinks")


def _unsupported(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{name}: {why}", param=name, code="unsupported_parameter")


# --- tools -----------------------------------------------------------------------------------------------


def _tools(request: Request, model: Model, plan: FormatPlan, thinking: Thinking) -> dict[str, Any]:
    answer = plan.tool
    tools = (*request.tools, answer) if answer else request.tools
    choice = _answering(request, answer) if answer else request.tool_choice
    forced = choice is not None and choice.mode in _FORCED
    if not tools and not _served(request):
        if forced:
            raise InvalidRequest("tool_choice: there are no tools to choose from", param="tool_choice")
        return {}
    if forced and (thinking.on or not generation_of(model.id).forced_tools):
        name = "response_format" if answer else "tool_choice"
        raise _unsupported(name, "a model that thinks cannot be forced to use a tool")
    fields: dict[str, Any] = {"tools": [_tool(tool) for tool in tools]} if tools else {}
    chosen = _tool_choice(choice, parallel=request.parallel_tool_calls)
    return fields if chosen is None else {**fields, "tool_choice": chosen}


def _served(request: Request) -> bool:
    """Whether the request has server tools (run by Anthropic), which are sent unchanged."""
    return request.dialect == NAME and bool(request.extra.get("tools"))


def _answering(request: Request, answer: Tool) -> ToolChoice:
    """Returns the tool choice that makes the model call either one of the client's tools or the answer's."""
    choice = request.tool_choice
    if choice is not None and choice.mode == "tool":
        return choice
    if request.tools and (choice is None or choice.mode != "none"):
        return ToolChoice(mode="required")
    return ToolChoice(mode="tool", name=answer.name)


def _tool(tool: Tool) -> dict[str, Any]:
    sent: dict[str, Any] = {"name": tool.name, "input_schema": _input_schema(tool.parameters)}
    if tool.description:
        sent["description"] = tool.description
    if tool.strict is not None:
        sent["strict"] = tool.strict
    if tool.cache:
        sent["cache_control"] = control_of(tool.cache)
    return sent


def _input_schema(parameters: dict[str, Any]) -> dict[str, Any]:
    if not parameters:
        return {"type": "object", "properties": {}}
    return parameters if "type" in parameters else {"type": "object", **parameters}


_MODES = {"auto": "auto", "required": "any", "tool": "tool", "none": "none"}


def _tool_choice(choice: ToolChoice | None, *, parallel: bool | None) -> dict[str, Any] | None:
    if choice is None and parallel is not False:
        return None
    mode = choice.mode if choice else "auto"
    sent: dict[str, Any] = {"type": _MODES[mode]}
    if mode == "tool" and choice:
        sent["name"] = choice.name
    if parallel is False and mode != "none":
        sent["disable_parallel_tool_use"] = True
    return sent


# --- output ----------------------------------------------------------------------------------------------


def _output(plan: FormatPlan, thinking: Thinking) -> dict[str, Any]:
    fields: dict[str, Any] = {} if thinking.config is None else {"thinking": thinking.config}
    config: dict[str, Any] = {}
    if thinking.effort is not None:
        config["effort"] = thinking.effort
    if plan.native is not None:
        config["format"] = plan.native
    return {**fields, "output_config": config} if config else fields
