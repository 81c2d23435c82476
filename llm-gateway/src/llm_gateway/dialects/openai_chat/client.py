"""Chat completions as we speak them to a provider: our requests out, its answers in."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.catalog import Model
from llm_gateway.dialects.cache_control import control_of
from llm_gateway.dialects.openai_chat.client_answers import decode_answer
from llm_gateway.dialects.openai_chat.client_errors import decode_error
from llm_gateway.dialects.openai_chat.client_stream import StreamDecoder
from llm_gateway.parameters import EVERYTHING
from llm_gateway.sse import SseDecoder
from llm_gateway.types import (
    Image,
    Message,
    Part,
    Refusal,
    Request,
    ResponseFormat,
    Result,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)

__all__ = [
    "CARRIES", "NAME", "STREAM_TYPE", "StreamDecoder", "decode_error", "decode_result", "dropped", "encode_request",
    "framing", "stream_decoder",
]  # fmt: skip

NAME = "openai_chat"
CARRIES = EVERYTHING - {"top_k", "reasoning_budget"}
STREAM_TYPE = "text/event-stream"

_MAX_EVENT_BYTES = 4 * 1024 * 1024

_encode = msgspec.json.Encoder().encode

_PLAIN = (
    "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n", "logprobs",
    "top_logprobs", "parallel_tool_calls", "reasoning_effort", "user",
)  # fmt: skip


def encode_request(request: Request, model: Model) -> bytes:
    """The body that asks `model` for `request`; `max_tokens` is clamped to the model's limit."""
    body: dict[str, Any] = {"model": model.id, "messages": [_message(message) for message in request.messages]}
    for name in _PLAIN:
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    if request.max_tokens is not None:
        limit = model.max_output_tokens
        body[model.endpoint.max_tokens_field] = min(request.max_tokens, limit) if limit else request.max_tokens
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
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
    body.update(model.endpoint.extra_body)
    return _encode(body)


def dropped(request: Request, model: Model) -> tuple[str, ...]:
    """What of `request` is not sent: fields that another dialect's client gave."""
    return () if request.dialect == NAME else (*request.hints, *request.extra)


def _message(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role}
    content = message.content
    if len(content) == 1 and type(content[0]) is Text and not content[0].cache:
        sent["content"] = content[0].text
    else:
        sent.update(_mixed(content))
    if message.name is not None:
        sent["name"] = message.name
    if message.tool_call_id is not None:
        sent["tool_call_id"] = message.tool_call_id
    return sent


def _mixed(content: tuple[Part, ...]) -> dict[str, Any]:
    parts = [part for part in map(_content_part, content) if part is not None]
    calls = [
        {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        for part in content
        if isinstance(part, ToolCall)
    ]
    if not calls:
        return {"content": parts}
    # An assistant's text beside tool calls goes as a string: several servers refuse parts there.
    text = "".join(part.text for part in content if isinstance(part, Text))
    return {"content": text or None, "tool_calls": calls}


def _content_part(part: Part) -> dict[str, Any] | None:
    match part:
        case Text():
            sent: dict[str, Any] = {"type": "text", "text": part.text}
            if part.cache:
                sent["cache_control"] = control_of(part.cache)
            return sent
        case Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "image_url", "image_url": {"url": url, **({"detail": part.detail} if part.detail else {})}}
        case Refusal():
            return {"type": "refusal", "refusal": part.text}
        case _:
            return None  # tool calls travel beside the content, reasoning stays with us


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


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


def framing() -> SseDecoder:
    return SseDecoder(_MAX_EVENT_BYTES)


def decode_result(body: bytes, request: Request, model: Model) -> Result:
    """A whole `chat.completion`; raises what `decode_answer` does."""
    return decode_answer(body)


def stream_decoder(request: Request, model: Model) -> StreamDecoder:
    return StreamDecoder()
