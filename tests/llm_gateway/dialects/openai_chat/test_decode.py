"""Answers, streams and errors as servers with OpenAI's API really send them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from llm_gateway.canonical import Reasoning, Request, Result, Text, ToolCall, Usage
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamQuota,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnavailable,
)

from tests.llm_gateway import values

client = OpenAIChatClient()

ASKED, MODEL = Request(model="m", messages=()), values.model("m")


def whole(message: dict[str, Any], reason: Any = "stop", **rest: Any) -> Result:
    body = {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": reason}], **rest}
    return client.decode_result(msgspec.json.encode(body), ASKED, MODEL)


def streamed(*chunks: Any) -> Result:
    decoder, aggregate = client.stream_decoder(ASKED, MODEL), Aggregate()
    for chunk in chunks:
        aggregate.feed(decoder.feed(msgspec.json.encode(chunk)))
    aggregate.feed(decoder.finish())
    return aggregate.result()


def delta(reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": reason}]}


END = delta("stop")


# --- content ---

THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]}


def test_content_in_chunks():
    content = [
        THINKING, {"type": "text", "text": "Ho"}, {"type": "reference", "reference_ids": [1]},
        {"type": "text", "text": "la"}, {"type": "thinking", "thinking": []}, "odd", None, {"type": "text"},
    ]  # fmt: skip
    expected = (Reasoning(text="hm"), Text(text="Ho"), Text(text="la"))
    assert whole({"content": content}).content == expected
    joined = streamed(delta(content=content[:2]), delta(content=content[2:]), END).content
    assert joined == (Reasoning(text="hm"), Text(text="Hola"))


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thoughts_under_either_name(field: str):
    expected = (Reasoning(text="hm"), Text(text="x"))
    assert whole({field: "hm", "content": "x"}).content == expected
    assert streamed(delta(**{field: "h"}), delta(**{field: "m"}), delta(content="x"), END).content == expected


def test_arguments_as_an_object_and_calls_without_index_or_id():
    calls = [{"function": {"name": "f", "arguments": {"a": 1}}}, {"function": {"name": "g", "arguments": "{}"}}]
    expected = [("f", '{"a":1}'), ("g", "{}")]
    for result in (whole({"tool_calls": calls}), streamed(delta(tool_calls=calls), END)):
        found = [part for part in result.content if isinstance(part, ToolCall)]
        assert [(call.name, call.arguments) for call in found] == expected
        assert len({call.id for call in found}) == 2 and result.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("max_tokens", "length"), ("model_length", "length"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"),
        ("content_filter", "content_filter"), ("end_turn", "stop"), ("eos", "stop"), ("stop_sequence", "stop"),
        (None, "stop"),
    ],
)  # fmt: skip
def test_finish_reasons_in_every_tongue(sent: str | None, meant: str):
    assert whole({"content": "x"}, sent).finish_reason == meant


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource", "abort"])
def test_a_finish_reason_that_is_a_failure(reason: str):
    with pytest.raises(UpstreamUnavailable):
        whole({"content": "x"}, reason)
    with pytest.raises(UpstreamUnavailable):
        streamed(delta(content="x"), delta(reason))


# --- chunks ---


def test_chunks_of_odd_forms_do_no_harm():
    result = streamed(
        {"choices": [], "created": 0, "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]},
        {"choices": None, "usage": None, "created": 1.5, "extra": {"a": [1]}},
        {**delta(content="Ho"), "usage": None, "content_filter_results": {}},
        {**delta("stop", content="la"), "usage": {"prompt_tokens": 3.0, "completion_tokens": 2}, "model": "m-1"},
        {"choices": [], "usage": None},
    )
    assert result.content == (Text(text="Hola"),) and result.model == "m-1"
    assert result.usage == Usage(prompt_tokens=3, completion_tokens=2)


def test_counts_in_groqs_place_and_openrouters_costs():
    counts = {"prompt_tokens": 3, "completion_tokens": 2}
    assert streamed(delta(content="x"), {**END, "x_groq": {"id": "r", "usage": counts}}).usage == Usage(
        prompt_tokens=3, completion_tokens=2
    )
    cached = {**counts, "cost": 0.00014, "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2}}
    assert whole({"content": "x"}, usage=cached).usage == Usage(
        prompt_tokens=3, completion_tokens=2, cached_tokens=1, cache_write_tokens=2, cost_usd=Decimal("0.00014")
    )


# --- errors with status 200 ---


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": "out of memory"}, UpstreamUnavailable),
        ({"error": {"message": "x", "code": 429}}, UpstreamRateLimited),
        ({"error": {"message": "x", "code": "429"}}, UpstreamRateLimited),
        ({"object": "error", "message": "x", "code": 400}, UpstreamRejected),
        ({"object": "error", "message": "x", "code": None}, UpstreamUnavailable),
        ([{"error": {"code": 503, "message": "x"}}], UpstreamUnavailable),
        ({**delta("error"), "error": {"code": 502, "message": "x"}}, UpstreamUnavailable),
    ],
    ids=str,
)
def test_an_error_in_any_form_is_one(body: Any, kind: type[UpstreamError]):
    raw = msgspec.json.encode(body)
    with pytest.raises(kind):
        client.decode_result(raw, ASKED, MODEL)
    with pytest.raises(kind):
        client.stream_decoder(ASKED, MODEL).feed(raw)


@pytest.mark.parametrize("body", [b"[]", b"[1, 2]", b'"x"', b'{"choices": []}', b"[{}]", b"{}"])
def test_what_is_neither_is_a_protocol_error(body: bytes):
    with pytest.raises(UpstreamProtocol):
        client.decode_result(body, ASKED, MODEL)


# --- errors by status ---


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"error": {"code": "content_filter"}}, UpstreamRejected, "content_policy_violation"),
        (
            400, {"error": {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
            UpstreamRejected, "content_policy_violation",
        ),
        (
            400, {"error": {"message": "This model's maximum context length is 4096 tokens.", "code": 400}},
            UpstreamRejected, "context_length_exceeded",
        ),
        (
            400, {"error": {"type": "exceed_context_size_error", "message": "x", "code": 400}},
            UpstreamRejected, "context_length_exceeded",
        ),
        (
            400, {"object": "error", "message": "the request exceeds the available context size"},
            UpstreamRejected, "context_length_exceeded",
        ),
        (413, {"error": {"message": "Request too large for model `x`"}}, UpstreamRejected, "context_length_exceeded"),
        (400, {"error": "prompt is too long"}, UpstreamRejected, "context_length_exceeded"),
        (400, {"error": {"innererror": "odd", "metadata": 7}}, UpstreamRejected, "upstream_rejected"),
        (402, {"error": {"message": "Insufficient Balance"}}, UpstreamQuota, "insufficient_quota"),
        (429, {"error": {"code": "insufficient_quota"}}, UpstreamQuota, "insufficient_quota"),
        (403, {"error": {"code": 403, "metadata": {"reasons": ["x"]}}}, UpstreamRejected, "content_policy_violation"),
        (403, {"error": {"code": 403, "metadata": {}}}, UpstreamCredentials, "upstream_credentials"),
        (401, {"error": {"code": "401", "message": "Access denied"}}, UpstreamCredentials, "upstream_credentials"),
        (404, {"error": {"code": "DeploymentNotFound"}}, UpstreamRejected, "upstream_model_not_found"),
        (404, {"error": "model 'x' not found"}, UpstreamRejected, "upstream_model_not_found"),
        (422, {"detail": [{"loc": ["body"], "msg": "x"}]}, UpstreamRejected, "upstream_rejected"),
        (400, [1], UpstreamRejected, "upstream_rejected"),
        (500, "x", UpstreamUnavailable, "upstream_unavailable"),
    ],
)  # fmt: skip
def test_a_refusal_in_any_form_has_its_code(status: int, body: Any, kind: type[UpstreamError], code: str):
    error = client.decode_error(status, {}, msgspec.json.encode(body))
    assert type(error) is kind and error.code == code
    assert "Balance" not in error.message and "4096" not in error.message
