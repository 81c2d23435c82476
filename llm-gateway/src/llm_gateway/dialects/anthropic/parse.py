"""Parses requests to `POST /v1/messages`.

A field without a canonical counterpart is kept and sent only to a provider of this dialect: as a hint if it does not
change the answer (disabled thinking, `service_tier`), as an extra field otherwise.

Source: https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Message, Request, ResponseFormat, Tool, ToolChoice
from llm_gateway.dialects.anthropic import NAME, wire
from llm_gateway.dialects.anthropic.parse_messages import mark, messages_of, text_parts
from llm_gateway.dialects.common.reasoning_effort import LEAST_BUDGET
from llm_gateway.dialects.common.request_body import BodyReader, in_range, invalid, not_json
from llm_gateway.dialects.common.tolerant_json import UNREADABLE
from llm_gateway.errors import InvalidRequest

_FORMAT_NAME = "answer"
"""The name of a schema, which OpenAI requires and Anthropic does not have."""

_NO_THREADS = "conversations are not kept here; send the whole of it, without this field"
"""Anthropic's clients recognize the code of this error, and then send the whole conversation by themselves."""

_reader = BodyReader(wire.MessagesRequest)
_count_decoder = msgspec.json.Decoder(wire.CountTokensRequest)


def parse_request(body: bytes) -> Request:
    """Returns the canonical request in `body`.

    Raises:
        InvalidRequest: the body is not JSON, or a field is missing or of the wrong type; names the field.
    """
    sent, extra = _reader.read(body)
    if "thread" in extra:
        raise InvalidRequest(f"thread: {_NO_THREADS}", param="thread", code="thread_unsupported_request")
    hints = {name: msgspec.to_builtins(value) for name in wire.HINTS if (value := getattr(sent, name)) is not None}
    effort, budget = _reasoning(sent, hints)
    served = _server_tools(sent, body)
    if served:
        extra = {**extra, "tools": served}
    return Request(
        model=sent.model,
        messages=_conversation(sent.system, sent.messages),
        tools=_tools(sent.tools),
        tool_choice=_tool_choice(sent.tool_choice),
        parallel_tool_calls=_parallel(sent.tool_choice),
        temperature=in_range(sent.temperature, "temperature", 0, 1),
        max_tokens=in_range(sent.max_tokens, "max_tokens", 1),
        top_p=in_range(sent.top_p, "top_p", 0, 1),
        top_k=in_range(sent.top_k, "top_k", 0),
        stop=tuple(sent.stop_sequences or ()),
        response_format=_response_format(sent),
        reasoning_effort=effort,
        reasoning_budget=budget,
        user=sent.metadata.user_id if sent.metadata else None,
        stream=bool(sent.stream),
        include_usage=True,
        hints=hints,
        extra=extra,
        dialect=NAME,
    )


def parse_count(body: bytes) -> Request:
    """Returns the request whose tokens are to be counted; raises like `parse_request`."""
    try:
        sent = _count_decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except UNREADABLE as error:
        raise not_json(error) from None
    return Request(
        model=sent.model,
        messages=_conversation(sent.system, sent.messages),
        tools=_tools(sent.tools),
        tool_choice=_tool_choice(sent.tool_choice),
        dialect=NAME,
    )


def _conversation(system: str | list[wire.TextBlock] | None, sent: list[wire.MessageParam]) -> tuple[Message, ...]:
    if not sent:
        raise InvalidRequest("messages: at least one message is needed", param="messages")
    messages = [message for index, turn in enumerate(sent) for message in messages_of(turn, index)]
    if system:
        messages.insert(0, Message(role="system", content=text_parts(system)))
    return tuple(messages)


# --- tools -----------------------------------------------------------------------------------------------


def _is_ours(tool: wire.ToolParam) -> bool:
    """Whether the client runs this tool, not Anthropic."""
    return tool.type is None or tool.type == "custom"


def _tools(sent: list[wire.ToolParam] | None) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for index, tool in enumerate(sent or ()):
        if not _is_ours(tool):
            continue
        if not tool.name or tool.input_schema is None:
            lacking = "name" if not tool.name else "input_schema"
            raise InvalidRequest(f"tools[{index}].{lacking}: needed", param=f"tools[{index}].{lacking}")
        tools.append(
            Tool(
                name=tool.name,
                description=tool.description or "",
                parameters=tool.input_schema,
                strict=tool.strict,
                cache=mark(tool.cache_control),
            )
        )
    return tuple(tools)


def _server_tools(sent: wire.MessagesRequest, body: bytes) -> list[Any]:
    """Returns the server tools (web search and others, run by Anthropic) exactly as they were sent."""
    if all(_is_ours(tool) for tool in sent.tools or ()):
        return []
    whole = msgspec.json.decode(body)["tools"]
    return [raw for raw, tool in zip(whole, sent.tools or (), strict=True) if not _is_ours(tool)]


_MODES: dict[str, Any] = {"auto": "auto", "any": "required", "tool": "tool", "none": "none"}


def _tool_choice(sent: wire.ToolChoiceParam | None) -> ToolChoice | None:
    if sent is None:
        return None
    if sent.type == "tool" and not sent.name:
        raise InvalidRequest("tool_choice.name: needed to choose one tool", param="tool_choice.name")
    return ToolChoice(mode=_MODES[sent.type], name=sent.name if sent.type == "tool" else None)


def _parallel(sent: wire.ToolChoiceParam | None) -> bool | None:
    return False if sent is not None and sent.disable_parallel_tool_use else None


# --- how to answer ---------------------------------------------------------------------------------------


def _response_format(sent: wire.MessagesRequest) -> ResponseFormat | None:
    wanted = (sent.output_config and sent.output_config.format) or sent.output_format
    if wanted is None:
        return None
    return ResponseFormat(type="json_schema", name=_FORMAT_NAME, schema=wanted.schema, strict=True)


def _reasoning(sent: wire.MessagesRequest, hints: dict[str, Any]) -> tuple[str | None, int | None]:
    """Returns the effort and the budget. Settings that neither can express are added to `hints`, for Anthropic
    alone."""
    effort = sent.output_config.effort if sent.output_config else None
    if effort == "max":
        hints["output_config"] = {"effort": "max"}
        effort = "xhigh"
    thinking = sent.thinking
    if thinking is None:
        return effort, None
    if thinking.type != "enabled" or thinking.display is not None:
        fields = msgspec.to_builtins(thinking)
        hints["thinking"] = {name: value for name, value in fields.items() if value is not None}
    if thinking.type != "enabled":
        return effort, None
    return effort, _budget(thinking.budget_tokens, sent.max_tokens)


def _budget(tokens: int | None, max_tokens: int) -> int:
    where = "thinking.budget_tokens"
    if tokens is None or tokens < LEAST_BUDGET:
        raise InvalidRequest(f"{where}: must be at least {LEAST_BUDGET}", param=where)
    if tokens >= max_tokens:
        raise InvalidRequest(f"{where}: must be less than max_tokens", param=where)
    return tokens
