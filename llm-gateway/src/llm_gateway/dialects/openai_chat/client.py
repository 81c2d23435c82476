"""Chat completions as we speak them to a provider: our requests out, its answers in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from llm_gateway.catalog import Model
from llm_gateway.dialects.openai_chat import wire
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from llm_gateway.types import (
    BlockKind,
    BlockStart,
    BlockStop,
    Choice,
    Delta,
    Event,
    Finish,
    FinishReason,
    Image,
    Logprobs,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    Result,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
    UsageReport,
)

NAME = "openai_chat"

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(wire.Received)

_PLAIN = (
    "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n", "logprobs",
    "top_logprobs", "parallel_tool_calls", "reasoning_effort", "user",
)  # fmt: skip


# --- requests --------------------------------------------------------------------------------------------


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


def dropped(request: Request) -> tuple[str, ...]:
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
                sent["cache_control"] = {"type": "ephemeral"}
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


# --- answers ---------------------------------------------------------------------------------------------


def decode_result(body: bytes) -> Result:
    """A whole `chat.completion`.

    Raises:
        UpstreamProtocol: it is none.
        UpstreamError: it is an error that came with status 200.
    """
    received = _received(body)
    if not received.choices:
        raise UpstreamProtocol("an answer without choices")
    return Result(
        choices=tuple(_choice(choice, received.id) for choice in received.choices),
        usage=_usage(received.usage),
        model=received.model,
        id=received.id,
    )


def _received(body: bytes) -> wire.Received:
    try:
        received = _decoder.decode(body)
    except wire.UNREADABLE as error:
        raise UpstreamProtocol(f"{error}: {body[:500]!r}") from None
    if received.error:
        raise _error_of(_status_of(received.error), {}, received.error, body)
    return received


def _choice(choice: wire.ReceivedChoice, id_: str | None) -> Choice:
    message = choice.message
    if message is None:
        raise UpstreamProtocol("a choice without a message")
    content: list[Part] = []
    reasoning = message.reasoning_content or message.reasoning
    if reasoning:
        content.append(Reasoning(text=reasoning))
    if message.content:
        content.append(Text(text=message.content))
    if message.refusal:
        content.append(Refusal(text=message.refusal))
    calls = message.tool_calls or []
    for number, call in enumerate(calls):
        function = call.function
        content.append(
            ToolCall(id=call.id or made_id(id_, number), name=function.name or "", arguments=function.arguments or "{}")
        )
    reason = _finish_reason(choice.finish_reason or "stop", has_calls=bool(calls))
    return Choice(content=tuple(content), finish_reason=reason, logprobs=choice.logprobs)


def made_id(response_id: str | None, number: int) -> str:
    """An id for a tool call of a provider that gives none."""
    return f"call_{response_id or 'gateway'}_{number}"


def _finish_reason(reason: str, *, has_calls: bool) -> FinishReason:
    match reason:
        case "length" | "content_filter":
            return reason
        case "tool_calls" | "function_call":
            return "tool_calls"
        case _:
            return "tool_calls" if has_calls else "stop"  # several servers say `stop` after tool calls


def _usage(received: wire.ReceivedUsage | None) -> Usage | None:
    if received is None or received.prompt_tokens is None:
        return None
    prompt = received.prompt_tokens_details or wire.PromptDetails()
    completion = received.completion_tokens_details or wire.CompletionDetails()
    return Usage(
        prompt_tokens=received.prompt_tokens,
        completion_tokens=received.completion_tokens or 0,
        cached_tokens=prompt.cached_tokens or received.prompt_cache_hit_tokens or 0,
        reasoning_tokens=completion.reasoning_tokens or 0,
        audio_prompt_tokens=prompt.audio_tokens or 0,
        audio_completion_tokens=completion.audio_tokens or 0,
        cost_usd=None if received.cost is None else Decimal(repr(received.cost)),
    )


# --- streams ---------------------------------------------------------------------------------------------


def stream_decoder() -> StreamDecoder:
    return StreamDecoder()


class _OpenChoice:
    """Where one choice of a stream stands: its open block, and its tools by the provider's index."""

    __slots__ = ("blocks", "finish", "kind", "open", "tools")

    def __init__(self) -> None:
        self.blocks = 0
        self.open: int | None = None
        self.kind: BlockKind | None = None
        self.tools: list[tuple[int | None, str, int]] = []  # the provider's index, its id, our block
        self.finish: str | None = None


class StreamDecoder:
    """`chat.completion.chunk` events to canonical ones; `[DONE]` is optional, a finish reason is not.

    `complete` says that all choices which began have ended: only the usage and `[DONE]` can still be missing.
    """

    def __init__(self) -> None:
        self._choices: dict[int, _OpenChoice] = {}
        self._id: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._done = False
        self.complete = False

    def feed(self, data: bytes) -> list[Event]:
        """The events of one server-sent event's data.

        Raises:
            UpstreamProtocol: it is not a chunk.
            UpstreamError: it is an error.
        """
        if data == b"[DONE]":
            self._done = True
            return []
        chunk = _received(data)
        self._id = self._id or chunk.id
        self._model = chunk.model or self._model
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage) or self._usage
        events: list[Event] = []
        for choice in chunk.choices or ():
            self._feed_choice(choice, events)
        return events

    @property
    def done(self) -> bool:
        """Whether nothing more can come, so that a connection which stays open need not be waited for."""
        return self._done

    def _feed_choice(self, choice: wire.ReceivedChoice, events: list[Event]) -> None:
        number = choice.index
        state = self._choices.get(number)
        if state is None:
            state = self._choices[number] = _OpenChoice()
        delta = choice.delta or choice.message
        if delta is not None:
            reasoning = delta.reasoning_content or delta.reasoning
            if reasoning:
                self._say(state, number, "reasoning", reasoning, events)
            if delta.content:
                self._say(state, number, "text", delta.content, events)
            if delta.refusal:
                self._say(state, number, "refusal", delta.refusal, events)
            for call in delta.tool_calls or ():
                self._call(state, number, call, events)
        if choice.logprobs is not None:
            events.append(Logprobs(value=choice.logprobs, choice=number))
        if choice.finish_reason:
            state.finish = choice.finish_reason
            self.complete = all(state.finish is not None for state in self._choices.values())

    @staticmethod
    def _say(state: _OpenChoice, number: int, kind: BlockKind, text: str, events: list[Event]) -> None:
        if state.kind != kind or state.open is None:
            if state.open is not None:
                events.append(BlockStop(index=state.open, choice=number))
            state.open, state.kind = state.blocks, kind
            state.blocks += 1
            events.append(BlockStart(index=state.open, kind=kind, choice=number))
        events.append(Delta(index=state.open, text=text, choice=number))

    def _call(self, state: _OpenChoice, number: int, call: wire.ReceivedToolCall, events: list[Event]) -> None:
        block = self._known_call(state, call)
        if block is None:
            block = self._new_call(state, number, call, events)
        if call.function.arguments:
            events.append(Delta(index=block, text=call.function.arguments, choice=number))

    @staticmethod
    def _known_call(state: _OpenChoice, call: wire.ReceivedToolCall) -> int | None:
        """The block that this piece continues. Some servers give no index, or 0 to every call: then a new id
        begins a new call."""
        if call.index is None:
            if call.id or call.function.name or not state.tools:
                return next((block for _, id_, block in state.tools if call.id and id_ == call.id), None)
            return state.tools[-1][2]
        for index, id_, block in reversed(state.tools):
            if index == call.index and (not call.id or call.id == id_):
                return block
        return None

    def _new_call(self, state: _OpenChoice, number: int, call: wire.ReceivedToolCall, events: list[Event]) -> int:
        if state.open is not None:
            events.append(BlockStop(index=state.open, choice=number))
            state.open = state.kind = None
        block, tool_index = state.blocks, len(state.tools)
        state.blocks += 1
        id_ = call.id or made_id(self._id, tool_index)
        state.tools.append((call.index, call.id or "", block))
        events.append(
            BlockStart(
                index=block, kind="tool_call", choice=number, tool_index=tool_index, id=id_, name=call.function.name
            )
        )
        return block

    def finish(self) -> list[Event]:
        """The events that close the stream.

        Raises:
            UpstreamProtocol: the stream ended before its end.
        """
        if not self._choices or any(state.finish is None for state in self._choices.values()):
            raise UpstreamProtocol("the stream ended without a finish reason", code="upstream_stream_cut")
        events: list[Event] = []
        for number, state in self._choices.items():
            blocks = [state.open] if state.open is not None else []
            events += [BlockStop(index=block, choice=number) for block in (*blocks, *(t[2] for t in state.tools))]
            reason = _finish_reason(state.finish or "", has_calls=bool(state.tools))
            events.append(Finish(reason=reason, choice=number))
        if self._usage is not None:
            events.append(UsageReport(usage=self._usage, model=self._model))
        return events


# --- errors ----------------------------------------------------------------------------------------------

_LONGEST_WAIT = 86_400.0

_REJECTIONS = {
    "context_length_exceeded": ("context_length_exceeded", "The request is longer than the model's context."),
    "string_above_max_length": ("context_length_exceeded", "The request is longer than the model's context."),
    "content_filter": ("content_policy_violation", "The provider's content policy refused this request."),
    "content_policy_violation": ("content_policy_violation", "The provider's content policy refused this request."),
}


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """A provider's error answer, as a type; its text is kept for the log alone."""
    try:
        parsed = msgspec.json.decode(body)
    except wire.UNREADABLE:
        parsed = None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return _error_of(status, headers, error, body)


def _error_of(status: int, headers: Mapping[str, str], error: Any, body: bytes) -> UpstreamError:
    detail = f"{status}: {body[:2000].decode('utf-8', 'replace')}"
    fields = error if isinstance(error, dict) else {}
    code = fields.get("code") if isinstance(fields.get("code"), str) else None
    if status in (401, 403):
        return UpstreamCredentials(detail)
    if status == 429:
        quota = {"code": "insufficient_quota"} if code == "insufficient_quota" else {}
        return UpstreamRateLimited(detail, retry_after=retry_after(headers), **quota)
    if status in (408, 504):
        return UpstreamTimeout(detail)
    if status >= 500:
        return UpstreamUnavailable(detail, retry_after=retry_after(headers))
    return _rejection(status, code, fields.get("param"), detail)


def _rejection(status: int, code: str | None, param: Any, detail: str) -> UpstreamError:
    if status == 404:
        missing = UpstreamRejected(
            detail, code="upstream_model_not_found", message="The provider does not have this model."
        )
        missing.status, missing.retriable, missing.type = 404, True, "not_found_error"
        return missing
    known = _REJECTIONS.get(code or "")
    rejected = UpstreamRejected(detail, code=known and known[0], message=known and known[1])
    rejected.type = "invalid_request_error"
    rejected.param = param if isinstance(param, str) and len(param) <= 200 else None
    return rejected


def _status_of(error: Any) -> int:
    """The status of an error that came inside a 200: OpenRouter's numeric code, else a server error."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` in seconds; at most a day."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return min(max(0.0, float(headers[name]) * scale), _LONGEST_WAIT)
        except (KeyError, ValueError):
            continue
    return None
