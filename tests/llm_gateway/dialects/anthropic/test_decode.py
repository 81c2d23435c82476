"""Anthropic's answers as we read them, whole and streamed, in every cut; and what is none."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from fake_providers.anthropic import Says
from fake_providers.anthropic.behaviors import framed
from llm_gateway.canonical import (
    Event,
    Message,
    Reasoning,
    Request,
    ResponseFormat,
    Result,
    Text,
    Tool,
    ToolCall,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamQuota,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

from tests.llm_gateway import values

client = AnthropicClient()

MODEL = values.model("claude-haiku-4-5", "anthropic", supports=("tools",))
ASKED = Request(model="m", messages=(Message(role="user", content=(Text(text="Hola"),)),))
BODY = {"model": "claude-haiku-4-5"}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
USAGE = {
    "input_tokens": 3, "output_tokens": 12, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20,
    "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5},
    "output_tokens_details": {"thinking_tokens": 6},
}  # fmt: skip
EVERYTHING = Says(
    ["¡Olé! ", "🎉 日本"], thinking=("Uhm… 😀", "c2ln"), redacted="ZW5j", blocks=[SEARCH, FOUND], usage=USAGE,
    calls=[("toolu_1", "add", '{"a":"ñ","b":[1,2]}'), ("toolu_2", "add", "{}")],
)  # fmt: skip
MEANT = (
    Reasoning(text="Uhm… 😀", signature="c2ln", provider="anthropic"),
    Reasoning(signature="ZW5j", provider="anthropic", redacted=True),
    Text(text="¡Olé! 🎉 日本"),
    ToolCall(id="toolu_1", name="add", arguments='{"a":"ñ","b":[1,2]}'),
    ToolCall(id="toolu_2", name="add", arguments="{}"),
)
COUNTED = Usage(
    prompt_tokens=123, completion_tokens=12, cached_tokens=100, cache_write_tokens=20, cache_write_1h_tokens=5,
    reasoning_tokens=6,
)  # fmt: skip


def plain(says: Says, request: Request = ASKED) -> Result:
    return client.decode_result(msgspec.json.encode(says.message(BODY)), request, MODEL)


def stream_of(says: Says) -> bytes:
    return b"".join(framed(event) for event in says.events(BODY))


def decoded(*chunks: bytes, request: Request = ASKED) -> Result:
    framing, decoder, aggregate = client.framing(), client.stream_decoder(request, MODEL), Aggregate()
    for chunk in chunks:
        for data in framing.feed(chunk):
            aggregate.feed(decoder.feed(data))
    for data in framing.finish():
        aggregate.feed(decoder.feed(data))
    aggregate.feed(decoder.finish())
    return aggregate.result()


def test_an_answer_with_everything():
    whole = plain(EVERYTHING)
    assert whole.content == MEANT and whole.finish_reason == "tool_calls" and whole.usage == COUNTED
    assert whole.model == "claude-haiku-4-5" and whole.id


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_a_stream_in_every_cut(newline: bytes):
    stream = stream_of(EVERYTHING).replace(b"\n", newline)
    meant = msgspec.structs.replace(plain(EVERYTHING), id=None)
    assert decoded(stream) == decoded(*[bytes([byte]) for byte in stream]) == meant
    for position in range(0, len(stream), 1 if newline == b"\n" else 7):
        assert decoded(stream[:position], stream[position:]) == meant


def test_a_stream_that_is_cut_is_none():
    stream = stream_of(EVERYTHING)
    end = stream.index(b"event: message_delta")
    for position in range(0, end, 5):
        with pytest.raises(UpstreamProtocol) as caught:
            decoded(stream[:position])
        assert caught.value.code in ("upstream_stream_cut", "upstream_protocol_error")
    # what comes behind the reason is the end mark alone
    assert decoded(stream[: stream.index(b"event: message_stop")]).content == MEANT


def test_the_prompt_is_counted_even_if_the_stream_is_cut():
    framing, decoder, seen = client.framing(), client.stream_decoder(ASKED, MODEL), list[Event]()
    for data in framing.feed(stream_of(EVERYTHING)[:900]):
        seen += decoder.feed(data)
    (report,) = [event for event in seen if isinstance(event, UsageReport)]
    assert (report.usage.prompt_tokens, report.usage.cached_tokens, report.usage.estimated) == (123, 100, True)


def events(*listed: dict[str, Any]) -> bytes:
    start = {"type": "message_start", "message": Says().message(BODY) | {"stop_reason": None}}
    return b"".join(framed(event) for event in (start, *listed))


def start(index: int = 0, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int = 0, **change: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": change}


def stop(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}


def test_what_is_unknown_breaks_nothing():
    odd = events(
        {"type": "something_new", "data": [1]},
        start(type="text", text="Ho"), delta(type="citations_delta", citation={}), delta(type="text_delta", text="la"),
        delta(type="new_delta", news="x"), stop(),
        start(1, type="brand_new", x=1), delta(1, type="brand_new_delta", x=2), stop(1), stop(9), END,
    )  # fmt: skip
    whole = decoded(odd)
    assert whole.content == (Text(text="Hola"),)
    assert whole.usage and (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (9, 7)


def test_arguments_that_come_with_the_beginning():
    whole = decoded(events(start(type="tool_use", id="a", name="f", input={"x": 1}), stop(), END))
    assert whole.content == (ToolCall(id="a", name="f", arguments='{"x":1}'),)
    assert whole.finish_reason == "tool_calls"


def test_blocks_that_nobody_ended_end_with_the_message():
    assert decoded(events(start(type="tool_use", id="a", name="f", input={}), END)).content == (
        ToolCall(id="a", name="f", arguments="{}"),
    )


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("refusal", "content_filter"),
        ("model_context_window_exceeded", "length"), ("pause_turn", "length"), ("tool_use", "stop"), ("new", "stop"),
    ],
)  # fmt: skip
def test_stop_reasons(reason: str, meant: str):
    says = Says("x", stop_reason=reason)
    assert plain(says).finish_reason == decoded(stream_of(says)).finish_reason == meant


def test_a_stop_sequence_is_told():
    says = Says("x", stop_sequence="FIN")
    assert plain(says).choices[0].stop_sequence == decoded(stream_of(says)).choices[0].stop_sequence == "FIN"


# --- a form by a tool ---

FORMED = msgspec.structs.replace(
    ASKED, response_format=ResponseFormat(type="json_object"), tools=(Tool(name="add", parameters={"type": "object"}),)
)


def test_the_tool_that_is_a_form_becomes_text():
    says = Says(calls=[("toolu_1", "json_answer", '{"a":1}')])
    for whole in (plain(says, FORMED), decoded(stream_of(says), request=FORMED)):
        assert whole.content == (Text(text='{"a":1}'),) and whole.finish_reason == "stop"


def test_a_tool_beside_the_form_stays_a_call():
    says = Says("Voy", calls=[("toolu_1", "add", '{"a":1}')])
    for whole in (plain(says, FORMED), decoded(stream_of(says), request=FORMED)):
        assert whole.content[1] == ToolCall(id="toolu_1", name="add", arguments='{"a":1}')
        assert whole.finish_reason == "tool_calls"


# --- what is none ---


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"<html>", b"\xff", b"null", b'{"type": "message"}', b'{"type": "message", "content": 7}',
        b'{"type": "message", "content": []}', b'{"type": "message", "content": [{}], "stop_reason": "x"}',
        b"[" * 50_000,
    ],
)  # fmt: skip
def test_what_is_no_answer(body: bytes):
    with pytest.raises(UpstreamProtocol):
        client.decode_result(body, ASKED, MODEL)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[DONE]", b"[]", b"7", b"\xff", b"{}", b'{"type": 7}', b"[" * 50_000,
        b'{"type": "content_block_start", "index": 0}',
        b'{"type": "content_block_start", "content_block": {"type": "text"}}',
        b'{"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "x"}}',
        b'{"type": "content_block_delta", "delta": {"type": "text_delta", "text": "x"}}',
        b'{"type": "content_block_delta", "index": 0, "delta": {"text": 7}}',
    ],
)  # fmt: skip
def test_what_is_no_event(data: bytes):
    with pytest.raises(UpstreamProtocol):
        client.stream_decoder(ASKED, MODEL).feed(data)


def test_a_block_that_begins_twice():
    with pytest.raises(UpstreamProtocol):
        decoded(events(start(type="text", text=""), start(type="text", text=""), END))


# --- errors ---

ERRORS: list[tuple[int, str, type[UpstreamError], int]] = [
    (400, "invalid_request_error", UpstreamRejected, 400),
    (401, "authentication_error", UpstreamCredentials, 502),
    (402, "billing_error", UpstreamQuota, 429),
    (403, "permission_error", UpstreamCredentials, 502),
    (404, "not_found_error", UpstreamRejected, 404),
    (413, "request_too_large", UpstreamRejected, 413),
    (429, "rate_limit_error", UpstreamRateLimited, 429),
    (500, "api_error", UpstreamUnavailable, 503),
    (504, "timeout_error", UpstreamTimeout, 504),
    (529, "overloaded_error", UpstreamUnavailable, 503),
]


@pytest.mark.parametrize(("status", "kind", "raised", "ours"), ERRORS)
def test_errors_by_status_and_inside_a_200(status: int, kind: str, raised: type[UpstreamError], ours: int):
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "sk-secret words"}}).encode()
    by_status = client.decode_error(status, {"retry-after": "7"}, body)
    with pytest.raises(raised) as inside:
        client.decode_result(body, ASKED, MODEL)
    with pytest.raises(raised) as streamed:
        decoded(events({"type": "error", "error": {"type": kind, "message": "sk-secret words"}}))
    for error in (by_status, inside.value, streamed.value):
        assert type(error) is raised and error.status == ours and "secret" not in error.message
        assert "secret words" in error.detail
    assert str(status) in by_status.detail
    if raised in (UpstreamUnavailable, UpstreamRateLimited) and status != 402:
        assert by_status.retry_after == 7


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("prompt is too long: 215000 tokens > 200000 maximum", "context_length_exceeded"),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", "context_length_exceeded"),
        ("messages: at least one message is required", "upstream_rejected"),
        (7, "upstream_rejected"),
        (None, "upstream_rejected"),
    ],
)
def test_a_prompt_over_the_context_is_told_apart(message: Any, code: str):
    body = json.dumps({"error": {"type": "invalid_request_error", "message": message}}).encode()
    assert client.decode_error(400, {}, body).code == code


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b'{"error": "x"}', b'{"error": {"type": []}}', b"\xff"])
def test_errors_that_are_no_json(body: bytes):
    assert isinstance(client.decode_error(502, {}, body), UpstreamUnavailable)
    assert isinstance(client.decode_error(429, {}, body), UpstreamRateLimited)
    assert isinstance(client.decode_error(400, {}, body), UpstreamRejected)


def test_an_unknown_error_in_a_stream_is_a_failure():
    for error in ({"type": "new_error"}, {}, None, "x"):
        with pytest.raises(UpstreamUnavailable):
            decoded(events({"type": "error", "error": error}))
