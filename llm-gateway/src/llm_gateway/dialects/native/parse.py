"""Parses requests to `POST /mcp/llm/generate`."""

from __future__ import annotations

import msgspec

from llm_gateway.canonical import Message, Reasoning, Request, Tool, ToolCall
from llm_gateway.dialects.common import openai_wire as wire
from llm_gateway.dialects.common.parse_openai import content_parts, response_format, tool_choice
from llm_gateway.dialects.common.request_body import in_range, invalid, not_json
from llm_gateway.dialects.common.tolerant_json import UNREADABLE
from llm_gateway.dialects.native import NAME
from llm_gateway.dialects.native.wire import GenerateRequest, NativeMessage, NativeToolCall
from llm_gateway.errors import InvalidRequest

_decoder = msgspec.json.Decoder(GenerateRequest)


def parse_request(body: bytes) -> Request:
    """Returns the canonical request in `body`.

    Raises:
        InvalidRequest: the body is not JSON, or a field is missing, unknown or of the wrong type; names the field.
    """
    try:
        sent = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except UNREADABLE as error:
        raise not_json(error) from None
    if not sent.messages:
        raise InvalidRequest("messages: at least one message is needed", param="messages")
    return Request(
        model=sent.model,
        provider=sent.provider,
        messages=tuple(_message(message, index) for index, message in enumerate(sent.messages)),
        tools=tuple(_tool(tool) for tool in sent.tools or ()),
        tool_choice=tool_choice(sent.tool_choice),
        parallel_tool_calls=sent.parallel_tool_calls,
        temperature=in_range(sent.temperature, "temperature", 0, 2),
        max_tokens=in_range(sent.max_tokens, "max_tokens", 1),
        top_p=in_range(sent.top_p, "top_p", 0, 1),
        top_k=in_range(sent.top_k, "top_k", 1),
        presence_penalty=in_range(sent.presence_penalty, "presence_penalty", -2, 2),
        frequency_penalty=in_range(sent.frequency_penalty, "frequency_penalty", -2, 2),
        stop=(sent.stop,) if isinstance(sent.stop, str) else tuple(sent.stop or ()),
        seed=sent.seed,
        response_format=response_format(sent.response_format),
        reasoning_effort=sent.reasoning_effort,
        reasoning_budget=in_range(sent.reasoning_budget, "reasoning_budget", 0),
        user=sent.user,
        stream=sent.stream,
        include_usage=True,
        dialect=NAME,
    )


def _message(sent: NativeMessage, index: int) -> Message:
    if sent.role == "tool" and not sent.tool_call_id:
        raise InvalidRequest("tool_call_id: needed on a tool message", param=f"messages[{index}].tool_call_id")
    content = content_parts(sent.content, index)
    calls = tuple(_tool_call(call, index) for call in sent.tool_calls or ())
    thoughts = tuple(
        Reasoning(text=detail.text, signature=detail.signature, provider=detail.provider, redacted=detail.redacted)
        for detail in sent.reasoning_details or ()
    )
    return Message(
        role=sent.role,
        content=(*thoughts, *content, *calls),
        tool_call_id=sent.tool_call_id,
        name=sent.name,
        is_error=sent.is_error,
    )


def _tool_call(call: NativeToolCall, index: int) -> ToolCall:
    if call.function is not None:
        return ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
    if call.name is None:
        raise InvalidRequest("tool_calls: a call needs a name", param=f"messages[{index}].tool_calls")
    return ToolCall(id=call.id, name=call.name, arguments=msgspec.json.encode(call.args or {}).decode())


def _tool(tool: wire.ToolParam) -> Tool:
    function = tool.function
    return Tool(
        name=function.name,
        description=function.description or "",
        parameters=function.parameters or {},
        strict=function.strict,
        read_only=tool.annotations.read_only_hint if tool.annotations else None,
    )
