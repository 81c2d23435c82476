"""Chat completions as our clients speak them: their requests in, our answers out."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from llm_gateway.canonical import (
    CacheMark,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from llm_gateway.dialects.common.cache_control import mark_of
from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.common.request_body import BodyReader
from llm_gateway.dialects.openai_chat import reasoning_details, wire
from llm_gateway.dialects.openai_chat.render import render_message, render_result, render_usage
from llm_gateway.dialects.openai_chat.render_stream import StreamEncoder, stream_encoder
from llm_gateway.errors import InvalidRequest

__all__ = [
    "NAME", "StreamEncoder", "content_parts", "parse_request", "render_error", "render_message",
    "render_result", "render_usage", "response_format", "stream_encoder", "tool_choice", "within",
]  # fmt: skip

NAME = "openai_chat"

_reader = BodyReader(wire.ChatRequest)


def parse_request(body: bytes) -> Request:
    """A chat completion request.

    Raises:
        InvalidRequest: the body is no JSON, lacks what it needs, or a field has the wrong type; names the field.
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
        temperature=within(sent.temperature, "temperature", 0, 2),
        top_p=within(sent.top_p, "top_p", 0, 1),
        top_k=within(sent.top_k, "top_k", 1),
        max_tokens=within(_max_tokens(sent), "max_tokens", 1),
        stop=_stop(sent.stop),
        seed=sent.seed,
        presence_penalty=within(sent.presence_penalty, "presence_penalty", -2, 2),
        frequency_penalty=within(sent.frequency_penalty, "frequency_penalty", -2, 2),
        logit_bias=sent.logit_bias,
        n=within(sent.n, "n", 1, 128),
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


def within(value: Any, name: str, least: float, most: float | None = None) -> Any:
    """`value` if it is None or in bounds; raises InvalidRequest, naming the field."""
    if value is not None and (value < least or (most is not None and value > most)):
        bound = f"between {least} and {most}" if most is not None else f"at least {least}"
        raise InvalidRequest(f"{name}: must be {bound}", param=name)
    return value


def _max_tokens(sent: wire.ChatRequest) -> int | None:
    return sent.max_completion_tokens if sent.max_completion_tokens is not None else sent.max_tokens


def _thinking(sent: wire.ChatRequest) -> tuple[str | None, int | None]:
    """An effort and a budget, from OpenRouter's `reasoning`; OpenAI's own word counts where that says nothing."""
    reasoning = sent.reasoning or wire.ReasoningParam()
    budget = within(reasoning.max_tokens, "reasoning.max_tokens", 0)
    if reasoning.enabled is False:
        return "none", 0
    return reasoning.effort or sent.reasoning_effort, budget


def _stop(stop: str | list[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


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


def content_parts(content: str | list[wire.ContentPart] | None, index: int) -> tuple[Part, ...]:
    """The parts of message number `index`."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(_part(part, index) for part in content or ())


def _part(part: wire.ContentPart, index: int) -> Part:
    match part:
        case wire.TextPart():
            return Text(text=part.text, cache=mark_of(part.cache_control))
        case wire.RefusalPart():
            return Refusal(text=part.refusal)
        case wire.ImagePart():
            return _image(part.image_url, mark_of(part.cache_control))
        case _:
            kind = part.__struct_config__.tag
            raise InvalidRequest(
                f"content parts of type '{kind}' are not supported", param=f"messages[{index}].content"
            )


def _image(image: wire.ImageUrl, cache: CacheMark | None) -> Image:
    if not image.url.startswith("data:"):
        return Image(url=image.url, detail=image.detail, cache=cache)
    head, comma, data = image.url.removeprefix("data:").partition(",")
    if not comma or not head.endswith(";base64"):
        raise InvalidRequest("image_url: a data URL must be base64", param="image_url")
    return Image(data=data, media_type=head.removesuffix(";base64"), detail=image.detail, cache=cache)


def _tool_call(call: wire.ToolCallParam) -> ToolCall:
    function = call.function
    return ToolCall(id=call.id, name=function.name, arguments=function.arguments, cache=mark_of(call.cache_control))


def _tool(tool: wire.ToolParam) -> Tool:
    function = tool.function
    return Tool(
        name=function.name,
        description=function.description or "",
        parameters=function.parameters or {},
        strict=function.strict,
        cache=mark_of(tool.cache_control),
    )


def tool_choice(choice: Any) -> ToolChoice | None:
    """OpenAI's `tool_choice`: a mode, or a function's name."""
    if choice is None:
        return None
    if isinstance(choice, str):
        return ToolChoice(mode=choice)  # type: ignore[arg-type]
    return ToolChoice(mode="tool", name=choice.function.name)


def response_format(sent: wire.ResponseFormatParam | None) -> ResponseFormat | None:
    """OpenAI's `response_format`; plain text is the same as none."""
    if sent is None or sent.type == "text":
        return None
    if sent.type == "json_object":
        return ResponseFormat(type="json_object")
    if sent.json_schema is None:
        raise InvalidRequest("response_format.json_schema is needed", param="response_format.json_schema")
    schema = sent.json_schema
    return ResponseFormat(
        type="json_schema", name=schema.name, schema=schema.schema, strict=schema.strict, description=schema.description
    )
