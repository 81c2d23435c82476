from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from llm_gateway.canonical import Choice, FinishReason, Reasoning, Refusal, Request, Result, Text, ToolCall, Usage
from llm_gateway.canonical.cost import UNKNOWN, Cost
from llm_gateway.dialects.openai_responses.server import OpenAIResponsesServer
from llm_gateway.errors import InvalidRequest, UpstreamRateLimited
from openai.types.responses import Response

from tests.llm_gateway import values
from tests.llm_gateway.dialects.openai_responses.drawn import outputs

server = OpenAIResponsesServer()

QUICK = settings(max_examples=60, deadline=None)
ASKED = Request(model="m", messages=())


def asked(**body: Any) -> Request:
    return server.parse_request(msgspec.json.encode({"model": "gpt-4o", "input": "Hola", **body}))


def rendered(result: Result, request: Request = ASKED, **changes: Any) -> dict[str, Any]:
    body = msgspec.json.decode(server.render_result(values.answer(result, **changes), request))
    Response.model_validate(body, strict=True)
    return body


def of(*content: Any, finish_reason: FinishReason = "stop", **changes: Any) -> Result:
    return Result(choices=(Choice(content=content, finish_reason=finish_reason, **changes),))


def test_an_answer_has_every_field():
    result = msgspec.structs.replace(
        of(Text(text="Hola")),
        usage=Usage(
            prompt_tokens=9, completion_tokens=4, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1
        ),
    )  # fmt: skip
    body = rendered(result, latency_ms=2500.0, answered_by=values.answered_by(fallback_from="gpt-5"))
    text = {"type": "output_text", "text": "Hola", "annotations": [], "logprobs": []}
    assert body == {
        "id": "resp_req_1", "object": "response", "created_at": 1_700_000_000, "completed_at": 1_700_000_002,
        "status": "completed", "error": None, "incomplete_details": None, "model": "gpt-4o", "provider": "openai",
        "fallback_from": "gpt-5",
        "output": [
            {"id": "msg_req_1_0", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
        ],
        "usage": {
            "input_tokens": 9, "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
            "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 13,
            "cost_usd": 0.000123,
        },
        "background": False, "instructions": None, "max_output_tokens": None, "max_tool_calls": None, "metadata": {},
        "parallel_tool_calls": True, "previous_response_id": None, "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None}, "safety_identifier": None, "service_tier": None,
        "store": False, "temperature": None, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
        "top_logprobs": 0, "top_p": None, "truncation": "disabled", "user": None,
    }  # fmt: skip


def test_each_part_is_an_item():
    thought = Reasoning(text="hm", signature="c2ln", provider="anthropic")
    call = ToolCall(id="c1", name="add", arguments='{"a":1}')
    output = rendered(of(thought, Text(text="Voy"), Refusal(text="No"), call, finish_reason="tool_calls"))["output"]
    spoken = {"type": "message", "role": "assistant", "status": "completed"}
    assert output == [
        {
            "id": "rs_req_1_0", "type": "reasoning", "status": "completed",
            "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gw1.anthropic.c2ln",
        },
        {
            "id": "msg_req_1_1", **spoken,
            "content": [{"type": "output_text", "text": "Voy", "annotations": [], "logprobs": []}],
        },
        {"id": "msg_req_1_2", **spoken, "content": [{"type": "refusal", "refusal": "No"}]},
        {
            "id": "fc_req_1_3", "type": "function_call", "status": "completed", "call_id": "c1", "name": "add",
            "arguments": '{"a":1}',
        },
    ]  # fmt: skip


@QUICK
@given(outputs())
def test_what_was_answered_can_be_sent_back(result: Result):
    """The next request's turn is the answer's content: signatures, ids and all."""
    body = rendered(result)
    back = server.parse_request(msgspec.json.encode({"model": "m", "input": body["output"]}))
    content = tuple(part for message in back.messages for part in message.content)
    assert content == result.content
    assert {message.role for message in back.messages} == {"assistant"}


@pytest.mark.parametrize(
    ("reason", "shown"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)  # fmt: skip
def test_an_answer_that_was_cut_off_is_incomplete(reason: FinishReason, shown: str):
    body = rendered(of(Reasoning(text="hm"), Text(text="Ho"), finish_reason=reason))
    assert (body["status"], body["incomplete_details"], body["completed_at"]) == ("incomplete", {"reason": shown}, None)
    assert [item["status"] for item in body["output"]] == ["completed", "incomplete"]


def test_an_answer_may_have_nothing_in_it():
    assert rendered(of(finish_reason="content_filter"))["output"] == []


def test_the_settings_are_repeated():
    tool = {"type": "function", "name": "add", "description": "d", "parameters": {"type": "object"}, "strict": True}
    other = {"type": "function", "name": "sub", "description": None, "parameters": None, "strict": None}
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    sent = {
        "instructions": "Sé breve", "max_output_tokens": 20, "max_tool_calls": 2, "metadata": {"a": "b"},
        "parallel_tool_calls": False, "prompt_cache_key": "k", "reasoning": {"effort": "max", "summary": "auto"},
        "safety_identifier": "s", "temperature": 0.5, "text": {"format": schema, "verbosity": "low"},
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "sub"}]},
        "tools": [tool, other], "top_logprobs": 2, "top_p": 0.5, "user": "u",
    }  # fmt: skip
    body = rendered(of(Text(text="x")), asked(**sent))
    assert {name: body[name] for name in sent} == sent


def test_settings_that_have_no_effect_are_not_said_to_have_one():
    body = rendered(of(Text(text="x")), asked(store=True, service_tier="priority", truncation="auto"))
    assert (body["store"], body["service_tier"], body["truncation"]) == (False, None, "disabled")


def test_logprobs_are_those_of_the_tokens():
    top = {"token": "é", "logprob": -0.5}
    chat = {"content": [{**top, "bytes": [195, 169], "top_logprobs": [top]}, {"token": "a", "logprob": -1}]}
    item, other = rendered(of(Text(text="éa"), Text(text="b"), logprobs=chat))["output"]
    assert other["content"][0]["logprobs"] == []
    assert item["content"][0]["logprobs"] == [
        {"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": [{**top, "bytes": [195, 169]}]},
        {"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []},
    ]


@pytest.mark.parametrize("odd", [None, [], "x", {"content": None}, {"content": [1]}, {"refusal": []}])
def test_logprobs_of_another_form_are_none(odd: Any):
    [item] = rendered(of(Text(text="x"), logprobs=odd))["output"]
    assert item["content"][0]["logprobs"] == []


def test_the_cost_is_null_where_it_is_unknown():
    assert rendered(of(Text(text="x")), cost=UNKNOWN)["usage"]["cost_usd"] is None
    assert rendered(of(Text(text="x")), cost=Cost(Decimal(0), "computed"))["usage"]["cost_usd"] == 0


# --- errors ---


def error(given: Exception) -> dict[str, Any]:
    assert isinstance(given, InvalidRequest | UpstreamRateLimited)
    return msgspec.json.decode(server.render_error(given, "req_1"))["error"]


def test_errors_are_in_the_envelope():
    assert error(UpstreamRateLimited("secret detail")) == {
        "message": "The provider's rate limit is reached.", "type": "upstream_error", "code": "upstream_rate_limited",
        "param": None, "request_id": "req_1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("canonical", "param"),
    [
        ("response_format", "text.format"), ("max_tokens", "max_output_tokens"), ("messages[3].content", "input"),
        ("reasoning_effort", "reasoning.effort"), ("tools[0].strict", "tools[0].strict"), ("model", "model"),
    ],
)  # fmt: skip
def test_errors_name_fields_as_the_client_knows_them(canonical: str, param: str):
    shown = error(InvalidRequest(f"{canonical}: this model has no such thing", param=canonical))
    assert (shown["param"], shown["message"]) == (param, f"{param}: this model has no such thing")
