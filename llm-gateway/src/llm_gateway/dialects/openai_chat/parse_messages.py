"""Parses the messages of a chat completion request."""

from __future__ import annotations

from collections.abc import Sequence

from llm_gateway.canonical import Message, Part, Reasoning, Refusal, ToolCall
from llm_gateway.dialects.common.cache_control import mark_of
from llm_gateway.dialects.common.parse_openai import content_parts
from llm_gateway.dialects.openai_chat import reasoning_details, wire
from llm_gateway.errors import InvalidRequest


def _message(sent: wire.MessageParam, index: int) -> Message:
    if sent.role == "tool" and not sent.tool_call_id:
        raise InvalidRequest("tool_call_id: needed on a tool message", param=f"messages[{index}].tool_call_id")
    content = content_parts(sent.content, index)
    thoughts: Sequence[Part] = ()
    calls: Sequence[Part] = ()
    if sent.tool_calls:
        calls = tuple(_tool_call(call) for call in sent.tool_calls)
    said = sent.reasoning_content or sent.reasoning
    if sent.reasoning_details:
        thoughts, calls = reasoning_details.parsed(sent.reasoning_details, said, calls)
    elif said:
        thoughts = (Reasoning(text=said),)
    refusal = (Refusal(text=sent.refusal),) if sent.refusal else ()
    if thoughts or calls or refusal:
        content = (*thoughts, *content, *refusal, *calls)
    role = "system" if sent.role == "developer" else sent.role
    return Message(role=role, content=content, tool_call_id=sent.tool_call_id, name=sent.name)


def _tool_call(call: wire.ToolCallParam) -> ToolCall:
    function = call.function
    return ToolCall(id=call.id, name=function.name, arguments=function.arguments, cache=mark_of(call.cache_control))
