"""Parses requests to `POST /v1/responses`; the answer repeats some of their settings."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Request, ResponseFormat
from llm_gateway.dialects.common.request_body import BodyReader, in_range
from llm_gateway.dialects.openai_responses import NAME, wire
from llm_gateway.dialects.openai_responses.parse_items import messages_of
from llm_gateway.dialects.openai_responses.parse_tools import tools_of
from llm_gateway.errors import InvalidRequest

_reader = BodyReader(wire.ResponsesRequest)
_LOGPROBS = "message.output_text.logprobs"
_HONORED = frozenset({_LOGPROBS, "reasoning.encrypted_content"})
"""The supported values of `include`; encrypted thoughts are always included."""

ECHO: dict[str, Any] = {
    "background": False, "instructions": None, "max_output_tokens": None, "max_tool_calls": None, "metadata": {},
    "parallel_tool_calls": True, "previous_response_id": None, "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None}, "safety_identifier": None, "service_tier": None, "store": False,
    "temperature": None, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_logprobs": 0,
    "top_p": None, "truncation": "disabled", "user": None,
}  # fmt: skip
"""The settings that an answer repeats, with their defaults."""

_REPEATED = (
    "instructions", "max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls", "prompt_cache_key",
    "safety_identifier", "temperature", "top_logprobs", "top_p", "user",
)  # fmt: skip


class EchoedRequest(Request, frozen=True):
    """A canonical request with the settings that its answer repeats."""

    echo: dict[str, Any] = msgspec.field(default_factory=dict)


def parse_request(body: bytes) -> EchoedRequest:
    """Returns the canonical request in `body`.

    Raises:
        InvalidRequest: the body is not JSON, a field is missing or of the wrong type, or the request needs a store or
            OpenAI's own tools; names the field.
    """
    sent, extra = _reader.read(body)
    _refuse(sent)
    tools, tool_choice = tools_of(sent)
    top_logprobs = in_range(sent.top_logprobs, "top_logprobs", 0, 20)
    return EchoedRequest(
        model=sent.model,
        provider=sent.provider,
        messages=messages_of(sent.input, sent.instructions),
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=sent.parallel_tool_calls,
        temperature=in_range(sent.temperature, "temperature", 0, 2),
        top_p=in_range(sent.top_p, "top_p", 0, 1),
        max_tokens=in_range(sent.max_output_tokens, "max_output_tokens", 1),
        logprobs=True if top_logprobs or _LOGPROBS in (sent.include or ()) else None,
        top_logprobs=top_logprobs or None,
        response_format=_response_format(sent.text),
        reasoning_effort=_effort(sent.reasoning),
        user=sent.user,
        stream=bool(sent.stream),
        include_usage=True,
        hints=_hints(sent),
        extra=extra,
        dialect=NAME,
        echo=_echo(sent),
    )


def _refuse(sent: wire.ResponsesRequest) -> None:
    """Raises InvalidRequest for settings that would otherwise be ignored."""
    for name in wire.STATEFUL:
        if getattr(sent, name) is not None:
            text = f"{name} is not supported: nothing is stored here, so a request must bring everything it needs"
            raise InvalidRequest(text, param=name, code="unsupported_parameter")
    if sent.background:
        text = "background is not supported: answers are given at once"
        raise InvalidRequest(text, param="background", code="unsupported_parameter")
    in_range(sent.max_tool_calls, "max_tool_calls", 1)


def _response_format(text: wire.TextSettings | None) -> ResponseFormat | None:
    wanted = text.format if text else None
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ResponseFormat(type="json_object")
    for name in ("name", "schema"):
        if getattr(wanted, name) is None:
            raise InvalidRequest(f"text.format.{name}: needed here", param=f"text.format.{name}")
    return ResponseFormat(
        type="json_schema", name=wanted.name, schema=wanted.schema, strict=wanted.strict, description=wanted.description
    )


def _effort(reasoning: wire.ReasoningSettings | None) -> str | None:
    """Returns the canonical effort; OpenAI's highest one has no counterpart."""
    effort = reasoning.effort if reasoning else None
    return "xhigh" if effort == "max" else effort


def _hints(sent: wire.ResponsesRequest) -> dict[str, Any]:
    hints = {name: value for name in wire.HINTS if (value := getattr(sent, name))}
    if sent.store:
        hints["store"] = True
    if sent.truncation == "auto":
        hints["truncation"] = "auto"
    unknown = [name for name in sent.include or () if name not in _HONORED]
    if unknown:
        hints["include"] = unknown
    if sent.text and sent.text.verbosity:
        hints["verbosity"] = sent.text.verbosity
    if sent.stream_options and sent.stream_options.include_obfuscation:
        hints["stream_options.include_obfuscation"] = True
    for name in ("mode", "context"):
        value = getattr(sent.reasoning, name, None)
        if value is not None:
            hints[f"reasoning.{name}"] = value
    return hints


def _echo(sent: wire.ResponsesRequest) -> dict[str, Any]:
    echo = {name: value for name in _REPEATED if (value := getattr(sent, name)) is not None}
    if sent.reasoning:
        summary = sent.reasoning.summary or sent.reasoning.generate_summary
        echo["reasoning"] = {"effort": sent.reasoning.effort, "summary": summary}
    if sent.text:
        echo["text"] = _text(sent.text)
    if sent.tools:
        echo["tools"] = [_tool(tool) for tool in sent.tools]
    if isinstance(sent.tool_choice, str):
        echo["tool_choice"] = sent.tool_choice
    elif sent.tool_choice:
        echo["tool_choice"] = _choice(sent.tool_choice)
    return echo


def _text(text: wire.TextSettings) -> dict[str, Any]:
    shown: dict[str, Any] = {"format": _given(text.format or wire.TextFormat())}
    return shown | ({"verbosity": text.verbosity} if text.verbosity else {})


def _tool(tool: wire.ResponsesTool) -> dict[str, Any]:
    return {
        "type": tool.type, "name": tool.name, "description": tool.description, "parameters": tool.parameters,
        "strict": tool.strict,
    }  # fmt: skip


def _choice(choice: wire.ResponsesToolChoice) -> dict[str, Any]:
    shown = _given(choice)
    if choice.tools is not None:
        shown["tools"] = [_given(tool) for tool in choice.tools]
    return shown


def _given(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(struct).items() if value is not None}
