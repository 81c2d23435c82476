"""The native stream, decoded at every possible cut."""

from decimal import Decimal

import msgspec
import pytest
from agent_core.clients.gateway_stream import MAX_ANSWER_BYTES, ModelToolCall, StreamDecoder, decode_error
from agent_core.errors import GatewayRefused, GatewayUnavailable
from agent_core.usage import Usage
from service_kit.errors import ApiError

SUMMARY = {
    "model": "offline", "provider": "offline", "provider_model": "planner-1", "tool_calls": [],
    "finish_reason": "tool_calls", "cost_usd": 0.00012, "cost_source": "computed", "latency_ms": 1, "cached": True,
    "usage": {
        "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "cached_tokens": 2, "reasoning_tokens": 1,
    },
    "fallback_from": "gpt-4o", "request_id": "r", "kind": "planner",
}  # fmt: skip


def sse(*values: object, done: bool = True) -> bytes:
    events = b"".join(b"data: " + msgspec.json.encode(value) + b"\n\n" for value in values)
    return events + (b"data: [DONE]\n\n" if done else b"")


STREAM = sse(
    {"content": "El añ"},
    {"content": "o 🐦\n\ndata: x"},
    {"tool_calls": [{"index": 0, "id": "c0", "name": "add", "args_delta": '{"a":'}]},
    {"tool_calls": [{"index": 1, "id": "c1", "name": "multiply", "args_delta": "{}"}]},
    {"tool_calls": [{"index": 0, "args_delta": ' "ñ"}'}]},
    {"finish_reason": "tool_calls"},
    SUMMARY,
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_a_stream_means_the_same_wherever_it_is_cut(size: int):
    decoder = StreamDecoder()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert "".join(text for piece in pieces for text in decoder.feed(piece)) == "El año 🐦\n\ndata: x"
    answer = decoder.finish()
    assert answer.tool_calls == (ModelToolCall("c0", "add", '{"a": "ñ"}'), ModelToolCall("c1", "multiply", "{}"))
    assert (answer.model, answer.provider, answer.provider_model) == ("offline", "offline", "planner-1")
    assert (answer.cost_usd, answer.fallback_from, answer.cached) == (Decimal("0.00012"), "gpt-4o", True)
    assert answer.usage == Usage(
        prompt_tokens=7, completion_tokens=3, total_tokens=10, cached_tokens=2, reasoning_tokens=1
    )


def test_carriage_returns_comments_and_other_fields_are_understood():
    decoder = StreamDecoder()
    stream = b": ping\r\n\r\nevent: x\r\nid: 1\r\n" + STREAM.replace(b"\n\n", b"\r\n\r\n")
    assert decoder.feed(stream)[0] == "El añ"
    assert decoder.finish().finish_reason == "tool_calls"


def test_calls_that_were_not_streamed_are_taken_from_the_summary():
    decoder = StreamDecoder()
    decoder.feed(sse(SUMMARY | {"tool_calls": [{"id": "c9", "name": "add", "args": {"a": 1}}]}))
    assert decoder.finish().tool_calls == (ModelToolCall("c9", "add", '{"a":1}'),)


def test_a_cost_that_is_not_known_stays_unknown():
    decoder = StreamDecoder()
    decoder.feed(sse(SUMMARY | {"cost_usd": None}))
    assert decoder.finish().cost_usd is None


@pytest.mark.parametrize(
    "stream",
    [b"", sse({"content": "half"}, done=False), sse(SUMMARY, done=False), sse({"content": "no summary"}), STREAM[:-9]],
)
def test_a_stream_that_ends_early_is_never_an_answer(stream: bytes):
    decoder = StreamDecoder()
    decoder.feed(stream)
    with pytest.raises(GatewayUnavailable):
        decoder.finish()


@pytest.mark.parametrize(
    "data", [b"{", b"null", b"[]", b'"text"', b'{"content": 5}', b'{"tool_calls": [{}]}', b'{"model": "x"}', b"\xff"]
)
def test_what_is_not_the_native_stream_is_refused(data: bytes):
    with pytest.raises(GatewayRefused) as caught:
        StreamDecoder().feed(b"data: " + data + b"\n\n")
    assert (caught.value.status, caught.value.code) == (502, "llm_gateway_error")


def test_an_answer_larger_than_any_model_writes_is_refused():
    decoder = StreamDecoder()
    piece = b"x" * (1024 * 1024)
    for _ in range(MAX_ANSWER_BYTES // len(piece)):
        decoder.feed(piece)
    with pytest.raises(GatewayRefused, match="larger"):
        decoder.feed(b"x")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": "model_not_found", "type": "invalid_request_error"}, 404),
        ({"code": "x", "type": "invalid_request_error"}, 400),
        ({"code": "x", "type": "not_found_error"}, 404),
        ({"code": "x", "type": "rate_limit_error"}, 429),
        ({"code": "x", "type": "unavailable_error"}, 503),
        ({"code": "x", "type": "timeout_error"}, 504),
        ({"code": "x", "type": "authentication_error"}, 503),
        ({"code": "x", "type": "server_error"}, 502),
        ({"code": "x", "type": "something new"}, 502),
    ],
)
def test_an_error_event_has_the_status_of_its_type(error: dict, status: int):
    with pytest.raises(ApiError) as caught:
        StreamDecoder().feed(sse({"error": error | {"message": "why", "param": None, "request_id": "r"}}))
    assert caught.value.status == status


@pytest.mark.parametrize("status", [400, 404, 413, 422, 429, 502, 503, 504])
def test_an_error_answer_passes_with_its_status_code_message_and_parameter(status: int):
    body = b'{"error": {"message": "why", "type": "t", "code": "c", "param": "p", "request_id": "r"}}'
    error = decode_error(status, body, "3")
    assert (error.status, error.code, error.message, error.param) == (status, "c", "why", "p")
    assert error.retry_after == 3


@pytest.mark.parametrize("body", [b'{"error": {"message": "why", "type": "t", "code": "c"}}', b"<html>"])
def test_what_cannot_mend_is_told_so(body: bytes):
    assert decode_error(503, body, None, "false").headers() == {"x-should-retry": "false"}
    assert "retry-after" in decode_error(503, body, None, "true").headers()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error": "text"}'])
@pytest.mark.parametrize(("status", "ours"), [(500, 502), (418, 502), (302, 502), (503, 503), (429, 429)])
def test_an_error_of_something_in_between_shows_nothing_of_it(status: int, ours: int, body: bytes):
    error = decode_error(status, body, "soon")
    assert (error.status, error.code) == (ours, "llm_gateway_error")


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_the_gateway_refuses_is_the_agents_fault_and_not_its_clients(status: int):
    body = b'{"error": {"message": "unknown key", "type": "authentication_error", "code": "invalid_api_key"}}'
    for answer in (body, b"no envelope"):
        error = decode_error(status, answer, None)
        assert (error.status, error.code) == (503, "llm_gateway_refused_key")
