"""Chat completions as our clients speak them: their requests in, our answers out."""

from __future__ import annotations

import operator
import re
from typing import Any

import msgspec
from service_kit.errors import ApiError

from llm_gateway.answer import Answer, Origin
from llm_gateway.dialects.cache_control import mark_of
from llm_gateway.dialects.envelope import render_error
from llm_gateway.dialects.openai_chat import wire
from llm_gateway.errors import InvalidRequest
from llm_gateway.types import (
    BlockStart,
    Delta,
    Event,
    Finish,
    Image,
    Logprobs,
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
    Usage,
)

NAME = "openai_chat"

_decoder = msgspec.json.Decoder(wire.ChatRequest)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAMED_FIELD = re.compile(r"field `([^`]+)`")
_KNOWN = frozenset(wire.ChatRequest.__struct_fields__)
_encode = msgspec.json.Encoder(decimal_format="number").encode


# --- requests --------------------------------------------------------------------------------------------


def parse_request(body: bytes) -> Request:
    """A chat completion request.

    Raises:
        InvalidRequest: the body is no JSON, lacks what it needs, or a field has the wrong type; names the field.
    """
    sent, extra = _decode(body)
    if not sent.messages:
        raise InvalidRequest("messages: at least one message is needed", param="messages")
    return Request(
        model=sent.model,
        provider=sent.provider,
        messages=tuple(_message(message, index) for index, message in enumerate(sent.messages)),
        tools=tuple(_tool(tool) for tool in sent.tools or ()),
        tool_choice=tool_choice(sent.tool_choice),
        parallel_tool_calls=sent.parallel_tool_calls,
        temperature=within(sent.temperature, "temperature", 0, 2),
        top_p=within(sent.top_p, "top_p", 0, 1),
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
        reasoning_effort=sent.reasoning_effort,
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


def _decode(body: bytes) -> tuple[wire.ChatRequest, dict[str, Any]]:
    try:
        return _decoder.decode(body), {}
    except msgspec.ValidationError as error:
        if "unknown field" not in str(error):
            raise invalid(error) from None
    except wire.UNREADABLE as error:
        raise not_json(error) from None
    return _decode_with_extra(body)


def _decode_with_extra(body: bytes) -> tuple[wire.ChatRequest, dict[str, Any]]:
    try:
        raw = _fields.decode(body)
        known = {name: value for name, value in raw.items() if name in _KNOWN}
        sent = _decoder.decode(msgspec.json.encode(known))
        return sent, {name: msgspec.json.decode(value) for name, value in raw.items() if name not in _KNOWN}
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except wire.UNREADABLE as error:
        raise not_json(error) from None


def invalid(error: msgspec.ValidationError) -> InvalidRequest:
    """A field that is missing, unknown or of the wrong type, by its path."""
    message, _, path = str(error).partition(" - at ")
    named = _NAMED_FIELD.search(message)
    steps = [path.strip("`").removeprefix("$").removeprefix("."), named[1] if named else ""]
    param = ".".join(step for step in steps if step) or None
    return InvalidRequest(f"{param}: {message}" if param else message, param=param)


def not_json(error: Exception) -> InvalidRequest:
    """A body that is no JSON at all."""
    return InvalidRequest(f"The body is not valid JSON: {error}", code="invalid_json")


def within(value: Any, name: str, least: float, most: float | None = None) -> Any:
    """`value` if it is None or in bounds; raises InvalidRequest, naming the field."""
    if value is not None and (value < least or (most is not None and value > most)):
        bound = f"between {least} and {most}" if most is not None else f"at least {least}"
        raise InvalidRequest(f"{name}: must be {bound}", param=name)
    return value


def _max_tokens(sent: wire.ChatRequest) -> int | None:
    return sent.max_completion_tokens if sent.max_completion_tokens is not None else sent.max_tokens


def _stop(stop: str | list[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _message(sent: wire.MessageParam, index: int) -> Message:
    if sent.role == "tool" and not sent.tool_call_id:
        raise InvalidRequest("tool_call_id: needed on a tool message", param=f"messages[{index}].tool_call_id")
    content = content_parts(sent.content, index)
    if sent.reasoning_content:
        content = (Reasoning(text=sent.reasoning_content), *content)
    if sent.refusal:
        content = (*content, Refusal(text=sent.refusal))
    if sent.tool_calls:
        content = (*content, *(_tool_call(call) for call in sent.tool_calls))
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
            return _image(part.image_url)
        case _:
            kind = part.__struct_config__.tag
            raise InvalidRequest(
                f"content parts of type '{kind}' are not supported", param=f"messages[{index}].content"
            )


def _image(image: wire.ImageUrl) -> Image:
    if not image.url.startswith("data:"):
        return Image(url=image.url, detail=image.detail)
    head, comma, data = image.url.removeprefix("data:").partition(",")
    if not comma or not head.endswith(";base64"):
        raise InvalidRequest("image_url: a data URL must be base64", param="image_url")
    return Image(data=data, media_type=head.removesuffix(";base64"), detail=image.detail)


def _tool_call(call: wire.ToolCallParam) -> ToolCall:
    return ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)


def _tool(tool: wire.ToolParam) -> Tool:
    function = tool.function
    return Tool(
        name=function.name,
        description=function.description or "",
        parameters=function.parameters or {},
        strict=function.strict,
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


# --- answers ---------------------------------------------------------------------------------------------


def render_result(answer: Answer, request: Request) -> bytes:
    """The `chat.completion` object."""
    body = _head(answer.origin, "chat.completion")
    body["choices"] = [
        {
            "index": index,
            "message": render_message(choice.content),
            "logprobs": choice.logprobs,
            "finish_reason": choice.finish_reason,
        }
        for index, choice in enumerate(answer.result.choices)
    ]
    body["usage"] = render_usage(answer.usage, answer)
    return _encode(body)


def _head(origin: Origin, kind: str) -> dict[str, Any]:
    head: dict[str, Any] = {
        "id": f"chatcmpl-{origin.request_id}",
        "object": kind,
        "created": origin.created,
        "model": origin.model,
        "provider": origin.provider,
    }
    if origin.fallback_from is not None:
        head["fallback_from"] = origin.fallback_from
    return head


def render_message(content: tuple[Part, ...]) -> dict[str, Any]:
    """An assistant's message."""
    texts, reasoning, refusals, calls = [], [], [], []
    for part in content:
        match part:
            case Text():
                texts.append(part.text)
            case ToolCall():
                calls.append(part)
            case Reasoning():
                reasoning.append(part.text)
            case Refusal():
                refusals.append(part.text)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if reasoning:
        message["reasoning_content"] = "".join(reasoning)
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
    return message


def render_usage(usage: Usage, answer: Answer | None = None) -> dict[str, Any]:
    """OpenAI's usage object, with the cost beside it where it is known."""
    rendered: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "audio_tokens": usage.audio_prompt_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_completion_tokens,
        },
    }
    if answer is not None:
        rendered["cost_usd"] = answer.cost.usd
    return rendered


# --- streams ---------------------------------------------------------------------------------------------

_DONE = b"data: [DONE]\n\n"


def stream_encoder(origin: Origin, request: Request) -> StreamEncoder:
    return StreamEncoder(origin, include_usage=request.include_usage)


class StreamEncoder:
    """`chat.completion.chunk` events; the first one of a choice carries the role."""

    def __init__(self, origin: Origin, *, include_usage: bool = False) -> None:
        self._request_id = origin.request_id
        self._include_usage = include_usage
        head = _head(origin, "chat.completion.chunk")
        # The head is the same in every chunk, so it is encoded once and the rest is spliced in behind it.
        self._head = b"data: " + _encode(head)[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if include_usage else b"]}\n\n"
        self._blocks: dict[tuple[int, int], BlockStart] = {}
        self._begun: set[int] = set()

    def start(self) -> bytes:
        return b""

    def feed(self, events: list[Event]) -> bytes:
        return b"".join([self._chunk(event) for event in events])

    def _chunk(self, event: Event) -> bytes:
        delta: dict[str, Any] = {}
        finish = None
        logprobs = None
        match event:
            case Delta():
                delta = self._delta(event)
            case BlockStart():
                self._blocks[(event.choice, event.index)] = event
                delta = self._opening(event)
            case Finish():
                finish = event.reason
            case Logprobs():
                logprobs = event.value
            case _:
                return b""
        choice = event.choice
        if choice not in self._begun:
            self._begun.add(choice)
            delta = {"role": "assistant", "content": "", **delta}
        elif not delta and finish is None and logprobs is None:
            return b""
        body = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._head + _encode(body) + self._tail

    def _delta(self, event: Delta) -> dict[str, Any]:
        block = self._blocks[(event.choice, event.index)]
        match block.kind:
            case "text":
                return {"content": event.text}
            case "tool_call":
                return {"tool_calls": [{"index": block.tool_index, "function": {"arguments": event.text}}]}
            case "reasoning":
                return {"reasoning_content": event.text}
            case "refusal":
                return {"refusal": event.text}

    @staticmethod
    def _opening(event: BlockStart) -> dict[str, Any]:
        if event.kind != "tool_call":
            return {}
        call = {
            "index": event.tool_index,
            "id": event.id,
            "type": "function",
            "function": {"name": event.name, "arguments": ""},
        }
        return {"tool_calls": [call]}

    def finish(self, answer: Answer) -> bytes:
        if not self._include_usage:
            return _DONE
        usage = _encode(render_usage(answer.usage, answer))
        return self._head + b'],"usage":' + usage + b"}\n\n" + _DONE

    def fail(self, error: ApiError) -> bytes:
        """An error event and no `[DONE]`: the official clients raise on it."""
        return b"data: " + render_error(error, self._request_id) + b"\n\n"
