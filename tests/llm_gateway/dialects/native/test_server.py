from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import (
    Choice,
    Delta,
    Event,
    Image,
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
)
from llm_gateway.canonical.aggregate import events_of
from llm_gateway.canonical.cost import UNKNOWN, Cost
from llm_gateway.dialects.common.cache_control import control_of
from llm_gateway.dialects.native.server import NativeServer
from llm_gateway.errors import InvalidRequest, UpstreamTimeout

from tests.llm_gateway import values
from tests.llm_gateway.event_stream import events

native = NativeServer()

QUICK = settings(max_examples=60, deadline=None)
ASKED = Request(model="m", messages=())
USER = {"role": "user", "content": "Hola"}


# --- a client of this dialect, as small as it can be ---

_PLAIN = (
    "temperature", "max_tokens", "top_p", "top_k", "presence_penalty", "frequency_penalty", "seed",
    "parallel_tool_calls", "reasoning_effort", "reasoning_budget", "user",
)  # fmt: skip


def body_of(request: Request) -> dict[str, Any]:
    """`request` as a client would write it."""
    body: dict[str, Any] = {"model": request.model, "messages": [_message(message) for message in request.messages]}
    for name in _PLAIN:
        if (value := getattr(request, name)) is not None:
            body[name] = value
    if request.stop:
        body["stop"] = request.stop
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _choice(request.tool_choice)
    if request.response_format is not None:
        body["response_format"] = _format(request.response_format)
    if request.stream:
        body["stream"] = True
    return body


def _message(message: Message) -> dict[str, Any]:
    calls = [
        {"id": part.id, "name": part.name, "args": msgspec.json.decode(part.arguments)}
        for part in message.content
        if isinstance(part, ToolCall)
    ]
    parts = [sent for part in message.content if (sent := _part(part)) is not None]
    thoughts = [_thought(part) for part in message.content if isinstance(part, Reasoning)]
    given = {
        "tool_calls": calls or None, "tool_call_id": message.tool_call_id, "name": message.name,
        "reasoning_details": thoughts or None,
    }  # fmt: skip
    body: dict[str, Any] = {"role": message.role, "content": parts}
    body |= {name: value for name, value in given.items() if value is not None}
    return body | ({"is_error": True} if message.is_error else {})


def _thought(part: Reasoning) -> dict[str, Any]:
    return {
        "text": part.text, "signature": part.signature, "provider": part.provider, "redacted": part.redacted,
    }  # fmt: skip


def _part(part: Part) -> dict[str, Any] | None:
    match part:
        case Text():
            return {"type": "text", "text": part.text} | (
                {"cache_control": control_of(part.cache)} if part.cache else {}
            )
        case Refusal():
            return {"type": "refusal", "refusal": part.text}
        case Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "image_url", "image_url": {"url": url, "detail": part.detail}}
        case _:
            return None


def _tool(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice) -> Any:
    return {"type": "function", "function": {"name": choice.name}} if choice.mode == "tool" else choice.mode


def _format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.type == "json_object":
        return {"type": "json_object"}
    fields = ("name", "schema", "strict", "description")
    return {"type": "json_schema", "json_schema": {name: getattr(wanted, name) for name in fields}}


def read_stream(stream: bytes) -> dict[str, Any]:
    """A stream put together again: the plain answer."""
    *deltas, tail, done = events(stream)
    assert done == "[DONE]"
    content = [delta["content"] for delta in deltas if "content" in delta]
    reasoning = [delta["reasoning"] for delta in deltas if "reasoning" in delta]
    calls: dict[int, dict[str, Any]] = {}
    for piece in (piece for delta in deltas for piece in delta.get("tool_calls", ())):
        call = calls.setdefault(piece["index"], {"args": ""})
        call |= {name: piece[name] for name in ("id", "name") if name in piece}
        call["args"] += piece["args_delta"]
    assert [{**call, "args": msgspec.json.decode(call["args"] or "{}")} for call in calls.values()] == tail[
        "tool_calls"
    ]
    assert [delta["finish_reason"] for delta in deltas if "finish_reason" in delta] == [tail["finish_reason"]]
    answer = {"content": "".join(content) if content else None, **tail}
    return answer | ({"reasoning": "".join(reasoning)} if reasoning else {})


# --- requests ---

_SAYS_NOT = ("logit_bias", "n", "logprobs", "top_logprobs")


def projected(request: Request) -> Request:
    """`request` without what this dialect does not say; thoughts come before the rest of their message."""
    return msgspec.structs.replace(
        request,
        **dict.fromkeys(_SAYS_NOT),
        messages=tuple(
            msgspec.structs.replace(
                message, content=tuple(sorted(message.content, key=lambda part: not isinstance(part, Reasoning)))
            )
            for message in request.messages
        ),
        include_usage=True,
        dialect="native",
    )


@QUICK
@given(values.requests)
def test_a_request_is_read_as_it_was_meant(request: Request):
    assert native.parse_request(msgspec.json.encode(body_of(request))) == projected(request)


def test_an_answers_calls_go_back_as_they_came():
    result = Result(choices=(Choice(content=(ToolCall(id="c", name="add", arguments='{"a":1}'),)),))
    calls = msgspec.json.decode(native.render_result(values.answer(result), ASKED))["tool_calls"]
    turn = {"role": "assistant", "content": None, "tool_calls": calls}
    result_turn = {"role": "tool", "tool_call_id": "c", "content": "2"}
    request = native.parse_request(msgspec.json.encode({"messages": [USER, turn, result_turn]}))
    assert request.messages[1].content == result.content


def test_openais_form_of_a_call_is_taken_too():
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    turn = {"role": "assistant", "tool_calls": [call]}
    request = native.parse_request(msgspec.json.encode({"messages": [USER, turn]}))
    assert request.messages[1].content == (ToolCall(id="c", name="add", arguments="{}"),)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({}, "messages"),
        ({"messages": [USER], "temprature": 1}, "temprature"),
        ({"messages": [{**USER, "contents": "x"}]}, "messages[0].contents"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}, "messages[0].tool_calls"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "args": "{}"}]}]},
            "messages[0].tool_calls[0].args",
        ),
        ({"messages": [USER], "max_tokens": -1}, "max_tokens"),
        ({"messages": [USER], "temperature": "x"}, "temperature"),
        ({"messages": [USER], "stream": 1}, "stream"),
        ({"messages": [USER], "n": 2}, "n"),
    ],
    ids=lambda value: str(value)[:70],
)  # fmt: skip
def test_a_mistake_is_named_by_its_field(body: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as caught:
        native.parse_request(msgspec.json.encode(body))
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": "\xff"}', b'{"messages": ' + b"[" * 100_000])
def test_what_is_no_request_is_refused(body: bytes):
    with pytest.raises(InvalidRequest):
        native.parse_request(body)


# --- answers ---


def test_a_plain_answer_has_every_field():
    result = Result(choices=(Choice(content=(Reasoning(text="hm"), Text(text="Hola"))),), model="gpt-4o-2024-08")
    cost = Cost(Decimal("0.0003"), "computed", {"input": Decimal("0.0001"), "output": Decimal("0.0002")})
    given = values.answer(
        result, cost=cost, cache="hit", saved_usd=Decimal("0.5"), answered_by=values.answered_by(fallback_from="x")
    )
    assert msgspec.json.decode(native.render_result(given, ASKED)) == {
        "content": "Hola", "reasoning": "hm", "model": "gpt-4o", "provider": "openai",
        "provider_model": "gpt-4o-2024-08", "tool_calls": [], "finish_reason": "stop",
        "usage": {
            "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cached_tokens": 0, "reasoning_tokens": 0,
        },
        "cost_usd": 0.0003, "cost_source": "computed", "cost_items": {"input": 0.0001, "output": 0.0002},
        "latency_ms": 12.5, "cached": True, "request_id": "req_1", "saved_usd": 0.5, "fallback_from": "x",
    }  # fmt: skip


def test_an_unknown_cost_is_null():
    body = msgspec.json.decode(native.render_result(values.answer(values.said("x"), cost=UNKNOWN), ASKED))
    assert body["cost_usd"] is None and body["cost_source"] == "unknown"
    assert "saved_usd" not in body and "fallback_from" not in body


@pytest.mark.parametrize("text", ["{oops", "[" * 100_000, ""])
def test_arguments_that_are_no_json_are_handed_on(text: str):
    result = Result(choices=(Choice(content=(ToolCall(id="c", name="f", arguments=text),)),))
    call = msgspec.json.decode(native.render_result(values.answer(result), ASKED))["tool_calls"][0]
    assert call["args"] == (text or {})


# --- streams ---


@QUICK
@given(values.results(), st.integers(1, 5))
def test_a_stream_put_together_is_the_plain_answer(result: Result, size: int):
    answer = values.answer(result)
    encoder = native.stream_encoder(answer.answered_by, ASKED)
    stream = encoder.start()
    for event in events_of(result):
        cut: list[Event] = [event]
        if isinstance(event, Delta):
            starts = range(0, len(event.text), size)
            cut = [msgspec.structs.replace(event, text=event.text[at : at + size]) for at in starts]
        stream += encoder.feed(cut)
    stream += encoder.finish(answer)
    assert read_stream(stream) == msgspec.json.decode(native.render_result(answer, ASKED))


def test_a_failure_is_the_envelope_without_done():
    encoder = native.stream_encoder(values.answered_by(), ASKED)
    [event] = events(encoder.fail(UpstreamTimeout("secret detail")))
    assert event["error"]["code"] == "upstream_timeout" and event["error"]["request_id"] == "req_1"


def test_signed_thoughts_go_back_as_they_came():
    thoughts = (
        Reasoning(text="hm", signature="s1", provider="anthropic"),
        Reasoning(signature="s2", provider="google", redacted=True),
    )
    result = Result(choices=(Choice(content=(*thoughts, Reasoning(text="not signed"), Text(text="x"))),))
    answered = msgspec.json.decode(native.render_result(values.answer(result), ASKED))
    assert answered["reasoning"] == "hmnot signed"
    message = {"role": "assistant", "content": "x", "reasoning_details": answered["reasoning_details"]}
    sent = native.parse_request(msgspec.json.encode({"messages": [USER, message]}))
    assert sent.messages[1].content == (*thoughts, Text(text="x"))
    encoder = native.stream_encoder(values.answered_by(), ASKED)
    streamed = encoder.start() + encoder.feed(list(events_of(result))) + encoder.finish(values.answer(result))
    assert events(streamed)[-2]["reasoning_details"] == answered["reasoning_details"]
