"""Anthropic's Messages on our side: what a request becomes, and what our answers and streams look like."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Choice,
    Delta,
    Event,
    Image,
    Message,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    Result,
    Signature,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.aggregate import events_of
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.dialects.anthropic.server import AnthropicServer
from service_kit.errors import ApiError

from tests.llm_gateway import values
from tests.llm_gateway.event_stream import events

server = AnthropicServer()

client = AnthropicClient()

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ASK = {"role": "user", "content": "Hola"}
FIVE = {"type": "ephemeral"}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
REQUEST = Request(model="m", messages=(), include_usage=True)


def parsed(**body: Any) -> Request:
    return server.parse_request(json.dumps({"model": "m", "max_tokens": 9000, "messages": [ASK], **body}).encode())


# --- requests ---


def test_everything_that_a_request_can_say():
    found = parsed(
        system=[{"type": "text", "text": "Sé breve", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        temperature=0.5, top_p=0.9, top_k=5, stop_sequences=["FIN"], stream=True, metadata={"user_id": "u-1"},
        tools=[{"name": "add", "input_schema": {"type": "object"}, "cache_control": FIVE, "strict": True}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "high"},
        service_tier="auto", context_management={"edits": []},
    )  # fmt: skip
    assert found == Request(
        model="m",
        messages=(
            Message(role="system", content=(Text(text="Sé breve", cache="1h"),)),
            Message(role="user", content=(Text(text="Hola"),)),
        ),
        temperature=0.5, top_p=0.9, top_k=5, stop=("FIN",), stream=True, include_usage=True, user="u-1",
        max_tokens=9000,
        tools=(Tool(name="add", parameters={"type": "object"}, cache="5m", strict=True),),
        tool_choice=ToolChoice(mode="required"), parallel_tool_calls=False, reasoning_effort="high",
        response_format=ResponseFormat(type="json_schema", name="answer", schema={"type": "object"}, strict=True),
        hints={"service_tier": "auto"}, extra={"context_management": {"edits": []}}, dialect="anthropic",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "effort", "budget", "hints"),
    [
        ({}, None, None, {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, None, 2000, {}),
        ({"thinking": {"type": "disabled"}}, None, None, {"thinking": {"type": "disabled"}}),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
            "low", None, {"thinking": {"type": "adaptive", "display": "omitted"}},
        ),
        ({"output_config": {"effort": "max"}}, "xhigh", None, {"output_config": {"effort": "max"}}),
    ],
)  # fmt: skip
def test_thinking(asked: dict[str, Any], effort: str | None, budget: int | None, hints: dict[str, Any]):
    found = parsed(**asked)
    assert (found.reasoning_effort, found.reasoning_budget, found.hints) == (effort, budget, hints)


def test_what_thinking_says_reaches_anthropic_to_the_letter():
    asked: dict[str, Any] = {
        "thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"},
    }  # fmt: skip
    sent = client.encode_request(parsed(**asked), values.model("claude-opus-5-5", "anthropic"))
    assert {name: value for name, value in json.loads(sent).items() if name in asked} == asked


def test_results_become_messages_and_marks_stay():
    mark = {"cache_control": FIVE}
    seen = [{"type": "text", "text": "3"}, PICTURE]
    found = parsed(
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": seen, **mark},
                    {"type": "text", "text": "¿Y?"},
                    {"type": "tool_result", "tool_use_id": "b", "content": "no", "is_error": True},
                    {"type": "tool_result", "tool_use_id": "c"},
                ],
            }
        ]
    )  # fmt: skip
    assert found.messages == (
        Message(
            role="tool", tool_call_id="a",
            content=(Text(text="3"), Image(data="aGk=", media_type="image/png", cache="5m")),
        ),
        Message(role="tool", tool_call_id="b", content=(Text(text="no"),), is_error=True),
        Message(role="tool", tool_call_id="c"),
        Message(role="user", content=(Text(text="¿Y?"),)),
    )  # fmt: skip


def test_a_count_needs_no_length():
    assert server.parse_count(json.dumps({"messages": [ASK], "new_field": 1}).encode()).messages[0].role == "user"


# --- hourglass: what we render for a client comes back as it was ---

FIXTURE = (
    Reasoning(text="Uhm… 😀", signature="c2ln", provider="anthropic"),
    Reasoning(signature="ZW5j", provider="google"),
    Reasoning(signature="ZW5k", provider="aws", redacted=True),
    Reasoning(text="sin firma"),
    Text(text="¡Olé! 🎉"),
    ToolCall(id="call_1", name="add", arguments='{"a":"ñ","b":[1,2]}'),
    ToolCall(id="call_2", name="add", arguments="{}"),
)
RESULT = Result(
    choices=(Choice(content=FIXTURE, finish_reason="tool_calls"),),
    usage=Usage(
        prompt_tokens=123, completion_tokens=12, cached_tokens=100, cache_write_tokens=20, cache_write_1h_tokens=5,
        reasoning_tokens=6,
    ),
)  # fmt: skip


def rendered(result: Result) -> dict[str, Any]:
    return json.loads(server.render_result(values.answer(result), REQUEST))


def streamed(listed: list[Event], result: Result) -> list[dict[str, Any]]:
    encoder = server.stream_encoder(values.answered_by(), REQUEST)
    body = encoder.start() + b"".join(encoder.feed([event]) for event in listed) + encoder.finish(values.answer(result))
    return events(body)


def assembled(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks of a stream, put together as the official clients do it, which want them one after another."""
    blocks: list[dict[str, Any]] = []
    open_: int | None = None
    for event in told:
        match event["type"]:
            case "content_block_start":
                assert open_ is None and event["index"] == len(blocks)
                open_ = event["index"]
                blocks.append({**event["content_block"], "json": ""})
            case "content_block_delta":
                assert open_ == event["index"]
                for name, value in event["delta"].items():
                    if name == "signature":
                        blocks[-1][name] = value
                    elif name != "type":
                        blocks[-1]["json" if name == "partial_json" else name] += value
            case "content_block_stop":
                assert open_ == event["index"]
                open_ = None
    assert open_ is None
    for block in blocks:
        pieces = block.pop("json")
        if block["type"] == "tool_use":
            block["input"] = json.loads(pieces or "{}")
    return blocks


def returned(blocks: list[dict[str, Any]]) -> tuple[Any, ...]:
    """The parts of these blocks, when a client sends them back."""
    (message,) = parsed(messages=[{"role": "assistant", "content": blocks}]).messages
    return message.content


def test_an_answer_goes_out_and_comes_back():
    body = rendered(RESULT)
    assert returned(body["content"]) == FIXTURE
    assert body["stop_reason"] == "tool_use" and body["id"] == "msg_req_1"
    assert body["content"][0]["signature"] == "c2ln" and body["content"][1]["signature"] == "gw1.google.ZW5j"


def test_a_stream_says_what_the_plain_answer_says():
    told = streamed(list(events_of(RESULT)), RESULT)
    assert assembled(told) == rendered(RESULT)["content"]
    assert told[-2]["usage"] == rendered(RESULT)["usage"] and told[-2]["delta"]["stop_reason"] == "tool_use"


_parts = st.one_of(
    st.builds(Text, text=values.words),
    st.builds(Reasoning, text=values.words, signature=values.names, provider=st.sampled_from(["anthropic", "google"])),
    st.builds(Reasoning, signature=values.names, provider=st.just("aws"), redacted=st.just(True)),
    values.tool_calls,
)


@QUICK
@given(st.lists(_parts, max_size=5).map(tuple), st.randoms(use_true_random=False))
def test_blocks_never_interleave_however_they_come(content: tuple[Any, ...], random: Any):
    result = Result(choices=(Choice(content=content),), usage=Usage())
    queues: dict[int, list[Event]] = {}
    for event in events_of(result):
        if isinstance(event, BlockStart | Delta | Signature | BlockStop):
            queues.setdefault(event.index, []).append(event)
    mixed: list[Event] = []
    begun = 0
    while any(queues.values()):  # blocks begin in order; what they say is shuffled
        index = random.choice([i for i, queue in queues.items() if queue and i <= begun])
        mixed.append(queues[index].pop(0))
        begun = max(begun, index + 1)
    assert assembled(streamed(mixed, result)) == rendered(result)["content"]


def test_blocks_that_nobody_ended_are_ended():
    open_: list[Event] = [
        BlockStart(index=0, kind="tool_call", tool_index=0, id="a", name="f"), Delta(index=0, text='{"a":'),
        BlockStart(index=1, kind="tool_call", tool_index=1, id="b", name="g"), Delta(index=0, text="1}"),
    ]  # fmt: skip
    blocks = assembled(streamed(open_, RESULT))
    assert [(block["name"], block["input"]) for block in blocks] == [("f", {"a": 1}), ("g", {})]


def test_a_thought_of_which_nothing_is_shown_is_no_block():
    silent: list[Event] = [
        BlockStart(index=0, kind="reasoning"), BlockStop(index=0), BlockStart(index=1, kind="text"), BlockStop(index=1),
    ]  # fmt: skip
    assert assembled(streamed(silent, RESULT)) == [{"type": "text", "text": ""}]


def test_the_first_event_counts_the_prompt_if_it_is_known():
    report = UsageReport(usage=Usage(prompt_tokens=9, cached_tokens=4))
    encoder = server.stream_encoder(values.answered_by(), REQUEST)
    first, *_ = events(encoder.feed([report, BlockStart(index=0, kind="text")]))
    assert (first["message"]["usage"]["input_tokens"], first["message"]["usage"]["cache_read_input_tokens"]) == (5, 4)


def test_a_stream_without_a_word_is_whole():
    told = streamed([], Result(choices=(Choice(),)))
    assert [event["type"] for event in told] == ["message_start", "ping", "message_delta", "message_stop"]


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (Choice(), "end_turn"),
        (Choice(stop_sequence="FIN"), "stop_sequence"),
        (Choice(finish_reason="length"), "max_tokens"),
        (Choice(finish_reason="content_filter"), "refusal"),
        (Choice(content=(Refusal(text="No"),)), "refusal"),
    ],
)
def test_why_it_ended(choice: Choice, reason: str):
    body = rendered(Result(choices=(choice,)))
    assert (body["stop_reason"], body["stop_sequence"]) == (reason, choice.stop_sequence)


def test_arguments_that_are_no_object_are_shown_whole():
    call = ToolCall(id="a", name="f", arguments="{oops")
    assert rendered(Result(choices=(Choice(content=(call,)),)))["content"][0]["input"] == {"arguments": "{oops"}


def test_provenance():
    answer = values.answer(
        RESULT, answered_by=values.answered_by(model="other", provider="aws", fallback_from="gpt-4o")
    )
    body = json.loads(server.render_result(answer, REQUEST))
    assert (body["model"], body["provider"], body["fallback_from"]) == ("other", "aws", "gpt-4o")
    assert body["usage"]["cost_usd"] == 0.000123


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"), (401, "authentication_error"), (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"), (405, "invalid_request_error"), (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"), (503, "overloaded_error"),
        (504, "timeout_error"), (529, "overloaded_error"),
    ],
)  # fmt: skip
def test_errors(status: int, kind: str):
    error = ApiError(status, "a_code", "Words", param="p")
    body = {
        "type": "error",
        "error": {"type": kind, "message": "Words", "details": {"error_code": "a_code"}, "param": "p"},
        "request_id": "r",
    }
    assert msgspec.json.decode(server.render_error(error, "r")) == body
    (event,) = events(server.stream_encoder(values.answered_by(request_id="r"), REQUEST).fail(error))
    assert event == body
