"""Parses requests to `POST /v1/chat/completions`."""

from __future__ import annotations

import operator
from typing import Any

from llm_gateway.canonical import Request, Tool
from llm_gateway.dialects.common.cache_control import mark_of
from llm_gateway.dialects.common.parse_openai import response_format, tool_choice
from llm_gateway.dialects.common.request_body import BodyReader, in_range
from llm_gateway.dialects.openai_chat import NAME, wire
from llm_gateway.dialects.openai_chat.parse_messages import _message
from llm_gateway.errors import InvalidRequest

_reader = BodyReader(wire.ChatRequest)


def parse_request(body: bytes) -> Request:
    """Returns the canonical request in `body`.

    Raises:
        InvalidRequest: the body is not JSON, or a field is missing or of the wrong type; names the field.
    """
    sent, extra = _reader.read(body)
    if not sent.messages:
        raise InvalidRequest("messages: at least one message is needed", param="messages")
    effort, budget = (sent.reasoning_effort, None) if sent.reasoning is None else _thinking(sent)
    return Request(
        model=sent.model,
        provider=sent.provider,
        messages=tuple(_message(message, index) for index, message in enumerate(sent.messages)),
        tools=tuple(_tool(tool) for tool in sent.tools or ()),
        tool_choice=tool_choice(sent.tool_choice),
        parallel_tool_calls=sent.parallel_tool_calls,
        temperature=in_range(sent.temperature, "temperature", 0, 2),
        top_p=in_range(sent.top_p, "top_p", 0, 1),
        top_k=in_range(sent.top_k, "top_k", 1),
        max_tokens=in_range(_max_tokens(sent), "max_tokens", 1),
        stop=_stop(sent.stop),
        seed=sent.seed,
        presence_penalty=in_range(sent.presence_penalty, "presence_penalty", -2, 2),
        frequency_penalty=in_range(sent.frequency_penalty, "frequency_penalty", -2, 2),
        logit_bias=sent.logit_bias,
        n=in_range(sent.n, "n", 1, 128),
        logprobs=sent.logprobs,
        top_logprobs=sent.top_logprobs,
        response_format=response_format(sent.response_format),
        reasoning_effort=effort,
        reasoning_budget=budget,
        user=sent.user,
        stream=bool(sent.stream),
        include_usage=bool(sent.stream_options and sent.stream_options.include_usage),
        hints=_hints(sent),
        extra=extra if sent.verbosity is None else {**extra, "verbosity": sent.verbosity},
        dialect=NAME,
    )


_given_hints = operator.attrgetter(*wire.HINTS)
_NO_HINTS = (None,) * len(wire.HINTS)


def _hints(sent: wire.ChatRequest) -> dict[str, Any]:
    given = _given_hints(sent)
    if given == _NO_HINTS:
        return {}
    return {name: value for name, value in zip(wire.HINTS, given, strict=True) if value is not None}


def _max_tokens(sent: wire.ChatRequest) -> int | None:
    return sent.max_completion_tokens if sent.max_completion_tokens is not None else sent.max_tokens


def _thinking(sent: wire.ChatRequest) -> tuple[str | None, int | None]:
    """Returns the effort and the budget in OpenRouter's `reasoning`; the effort falls back to OpenAI's
    `reasoning_effort`."""
    reasoning = sent.reasoning or wire.ReasoningParam()
    budget = in_range(reasoning.max_tokens, "reasoning.max_tokens", 0)
    if reasoning.enabled is False:
        return "none", 0
    return reasoning.effort or sent.reasoning_effort, budget


def _stop(stop: str | list[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _tool(tool: wire.ToolParam) -> Tool:
    function = tool.function
    return Tool(
        name=function.name,
        description=function.description or "",
        parameters=function.parameters or {},
        strict=function.strict,
        read_only=tool.annotations.read_only_hint if tool.annotations else None,
        cache=mark_of(tool.cache_control),
    )
