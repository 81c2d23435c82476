"""The gateway's own dialect, spoken as a server: `/mcp/llm/generate`.

Messages are OpenAI's in shape; tool calls have their arguments as an object (`args`), and an answer carries
its provenance and its cost.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from service_kit.errors import ApiError

from llm_gateway.canonical import (
    BlockStart,
    Delta,
    Event,
    Finish,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    Usage,
)
from llm_gateway.canonical.answer import Answer, Origin
from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.common.request_body import invalid, not_json
from llm_gateway.dialects.openai_chat import wire
from llm_gateway.dialects.openai_chat.server import (
    content_parts,
    response_format,
    tool_choice,
    within,
)
from llm_gateway.errors import InvalidRequest

NAME = "native"


class NativeToolCall(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A tool call as an answer has it; OpenAI's form (`function`) is taken too."""

    id: str
    name: str | None = None
    args: dict[str, Any] | None = None
    function: wire.FunctionCall | None = None
    type: Literal["function"] | None = None


class ReasoningDetail(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A thought that its provider signed. An answer has it, and the next request gives it back unchanged: some models
    need it to go on after a tool's result."""

    text: str = ""
    signature: str | None = None
    provider: str | None = None
    redacted: bool = False


class NativeMessage(msgspec.Struct, forbid_unknown_fields=True):
    """One turn; a `tool` message answers the call `tool_call_id`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[wire.ContentPart] | None = None
    tool_calls: list[NativeToolCall] | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    is_error: bool = False


class GenerateRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /mcp/llm/generate`; an unknown field is an error that names it."""

    messages: list[NativeMessage]
    model: str = ""
    provider: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    tools: list[wire.ToolParam] | None = None
    tool_choice: Literal["none", "auto", "required"] | wire.NamedToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: wire.ResponseFormatParam | None = None
    reasoning_effort: str | None = None
    reasoning_budget: int | None = None
    stream: bool = False
    user: str | None = None


_decoder = msgspec.json.Decoder(GenerateRequest)
_encode = msgspec.json.Encoder(decimal_format="number").encode


# --- requests --------------------------------------------------------------------------------------------


def parse_request(body: bytes) -> Request:
    """A generate request.

    Raises:
        InvalidRequest: the body is no JSON, a field is missing, unknown or of the wrong type; names the field.
    """
    try:
        sent = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except wire.UNREADABLE as error:
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
        temperature=within(sent.temperature, "temperature", 0, 2),
        max_tokens=within(sent.max_tokens, "max_tokens", 1),
        top_p=within(sent.top_p, "top_p", 0, 1),
        top_k=within(sent.top_k, "top_k", 1),
        presence_penalty=within(sent.presence_penalty, "presence_penalty", -2, 2),
        frequency_penalty=within(sent.frequency_penalty, "frequency_penalty", -2, 2),
        stop=(sent.stop,) if isinstance(sent.stop, str) else tuple(sent.stop or ()),
        seed=sent.seed,
        response_format=response_format(sent.response_format),
        reasoning_effort=sent.reasoning_effort,
        reasoning_budget=within(sent.reasoning_budget, "reasoning_budget", 0),
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
    )


# --- answers ---------------------------------------------------------------------------------------------


def render_result(answer: Answer, request: Request) -> bytes:
    """The answer object."""
    return _encode({**_content(answer.result.content), **_tail(answer)})


def _content(parts: tuple[Part, ...]) -> dict[str, Any]:
    texts = [part.text for part in parts if isinstance(part, Text | Refusal)]
    reasoning = [part.text for part in parts if isinstance(part, Reasoning)]
    body: dict[str, Any] = {"content": "".join(texts) if texts else None}
    if any(reasoning):
        body["reasoning"] = "".join(reasoning)
    return body


def _tail(answer: Answer) -> dict[str, Any]:
    """Everything of an answer but its content."""
    origin, cost = answer.origin, answer.cost
    tail: dict[str, Any] = {
        "model": origin.model,
        "provider": origin.provider,
        "provider_model": answer.result.model or origin.provider_model,
        "tool_calls": [
            {"id": part.id, "name": part.name, "args": _arguments(part.arguments)}
            for part in answer.result.content
            if isinstance(part, ToolCall)
        ],
        "finish_reason": answer.result.finish_reason,
        "usage": render_usage(answer.usage),
        "cost_usd": cost.usd,
        "cost_source": cost.source,
        "cost_items": cost.items,
        "latency_ms": round(answer.latency_ms, 3),
        "cached": answer.cached,
        "request_id": origin.request_id,
    }
    signed = [part for part in answer.result.content if isinstance(part, Reasoning) and part.signature]
    if signed:
        tail["reasoning_details"] = [
            ReasoningDetail(part.text, part.signature, part.provider, part.redacted) for part in signed
        ]
    if answer.saved_usd is not None:
        tail["saved_usd"] = answer.saved_usd
    if origin.fallback_from is not None:
        tail["fallback_from"] = origin.fallback_from
    return tail


def _arguments(text: str) -> Any:
    """A call's arguments as an object; what a model wrote that is none is handed on as it is."""
    try:
        return msgspec.json.decode(text or "{}")
    except wire.UNREADABLE:
        return text


def render_usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


# --- streams ---------------------------------------------------------------------------------------------


def stream_encoder(origin: Origin, request: Request) -> StreamEncoder:
    return StreamEncoder(origin)


class StreamEncoder:
    """`{"content"?, "tool_calls"?, "finish_reason"?}` events, one with the rest of the answer, `[DONE]`."""

    def __init__(self, origin: Origin) -> None:
        self._request_id = origin.request_id
        self._blocks: dict[int, BlockStart] = {}

    def start(self) -> bytes:
        return b""

    def feed(self, events: list[Event]) -> bytes:
        return b"".join([self._event(event) for event in events])

    def _event(self, event: Event) -> bytes:
        match event:
            case Delta(choice=0):
                return _sse(self._delta(event))
            case BlockStart(choice=0):
                self._blocks[event.index] = event
                if event.kind == "tool_call":
                    call = {"index": event.tool_index, "id": event.id, "name": event.name, "args_delta": ""}
                    return _sse({"tool_calls": [call]})
            case Finish(choice=0):
                return _sse({"finish_reason": event.reason})
        return b""

    def _delta(self, event: Delta) -> dict[str, Any]:
        block = self._blocks[event.index]
        match block.kind:
            case "tool_call":
                return {"tool_calls": [{"index": block.tool_index, "args_delta": event.text}]}
            case "reasoning":
                return {"reasoning": event.text}
            case _:
                return {"content": event.text}

    def finish(self, answer: Answer) -> bytes:
        return _sse(_tail(answer)) + b"data: [DONE]\n\n"

    def fail(self, error: ApiError) -> bytes:
        """The error, and no `[DONE]`: a stream without it was not complete."""
        return b"data: " + render_error(error, self._request_id) + b"\n\n"


def _sse(body: dict[str, Any]) -> bytes:
    return b"data: " + _encode(body) + b"\n\n"
