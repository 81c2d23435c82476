from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from llm_gateway.canonical import Event, Image, Message, Reasoning, Request, Result, Text, Tool, ToolCall, Usage
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer
from llm_gateway.errors import (
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

from tests.llm_gateway import values

client = OpenAIChatClient()

# --- requests: what test_differential does not say ---

ASKED, MODEL = Request(model="m", messages=()), values.model("m")
TOOL = {
    "type": "function",
    "function": {
        "name": "add", "description": "Adds", "strict": True,
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
    },
}  # fmt: skip
CALLS = [{"id": f"call_{n}", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}} for n in (1, 2)]


def encoded(request: Request, **changes: Any) -> dict[str, Any]:
    return msgspec.json.decode(client.encode_request(request, values.model("m", **changes)))


def test_the_output_limit_has_the_providers_name_and_the_models_bound():
    request = Request(model="m", messages=(Message(role="user", content=(Text(text="x"),)),), max_tokens=9000)
    assert encoded(request)["max_tokens"] == 9000
    newer = values.endpoint(max_tokens_field="max_completion_tokens")
    body = encoded(request, endpoint=newer, max_output_tokens=4096)
    assert body["max_completion_tokens"] == 4096 and "max_tokens" not in body


def test_an_endpoints_own_fields_are_added():
    request = Request(model="m", messages=())
    assert encoded(request, endpoint=values.endpoint(extra_body={"usage": {"include": True}}))["usage"] == {
        "include": True
    }


def test_a_streams_usage_is_always_asked_for():
    assert encoded(Request(model="m", messages=(), stream=True))["stream_options"] == {"include_usage": True}


def test_marks_for_a_cache_go_where_they_are_read_and_are_named_elsewhere():
    turn = Message(
        role="user", content=(Text(text="x", cache="5m"), Image(url="https://x.test/a", cache="1h"), Text(text="y"))
    )
    request = Request(model="m", messages=(turn,), tools=(Tool(name="f", cache="5m"),), extra={"a": 1})
    reading = values.model("m", endpoint=values.endpoint(cache_marks=True))
    body = msgspec.json.decode(client.encode_request(request, reading))
    assert [part.get("cache_control") for part in body["messages"][0]["content"]] == [
        {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, None,
    ]  # fmt: skip
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral"}
    assert client.dropped(request, reading) == ("a",)
    assert "cache_control" not in client.encode_request(request, MODEL).decode()
    assert client.dropped(request, MODEL) == ("a", "cache_control")
    plain = msgspec.structs.replace(request, messages=(), tools=(), extra={})
    assert client.dropped(plain, MODEL) == ()


def test_marks_come_back_as_clients_write_them():
    mark = {"cache_control": {"type": "ephemeral"}}
    request = OpenAIChatServer().parse_request(
        msgspec.json.encode(
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}, **mark}]},
                    {"role": "assistant", "tool_calls": [{**CALLS[0], **mark}]},
                ],
                "tools": [{**TOOL, **mark}],
            }
        )
    )
    (image,), (call,) = (message.content for message in request.messages)
    assert isinstance(image, Image) and isinstance(call, ToolCall)
    assert (image.cache, call.cache, request.tools[0].cache) == ("5m", "5m", "5m")


# --- answers ---


def result(message: dict[str, Any], finish_reason: str | None = "stop", **rest: Any) -> Result:
    body = {"id": "r1", "model": "m-2024", "choices": [{"message": message, "finish_reason": finish_reason}], **rest}
    return client.decode_result(msgspec.json.encode(body), ASKED, MODEL)


def test_finish_reasons_of_other_servers_are_understood():
    call = {"id": "c", "function": {"name": "f", "arguments": ""}}
    assert result({"content": "x"}, None).finish_reason == "stop"
    assert result({"content": "x"}, "eos").finish_reason == "stop"
    assert result({"tool_calls": [call]}, "stop").finish_reason == "tool_calls"
    assert result({"tool_calls": [call]}, "function_call").finish_reason == "tool_calls"
    assert result({"content": "x"}, "length").finish_reason == "length"
    assert result({"content": "x"}, "content_filter").finish_reason == "content_filter"


def test_calls_without_id_or_arguments_are_completed():
    answer = result({"tool_calls": [{"function": {"name": "f"}}, {"id": "", "function": {"name": "g"}}]})
    assert answer.content == (
        ToolCall(id="call_r1_0", name="f", arguments="{}"), ToolCall(id="call_r1_1", name="g", arguments="{}"),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_under_either_name(name: str):
    assert result({"content": "x", name: "hm"}).content == (Reasoning(text="hm"), Text(text="x"))


def test_usage_in_all_its_spellings():
    usage = {
        "prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 2}, "cost": 0.00012,
    }  # fmt: skip
    assert result({"content": "x"}, usage=usage).usage == Usage(
        prompt_tokens=9, completion_tokens=5, cached_tokens=4, reasoning_tokens=3, audio_prompt_tokens=1,
        audio_completion_tokens=2, cost_usd=Decimal("0.00012"),
    )  # fmt: skip
    deepseek = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 6}
    assert result({"content": "x"}, usage=deepseek).usage == Usage(
        prompt_tokens=9, completion_tokens=5, cached_tokens=6
    )
    assert result({"content": "x"}).usage is None
    assert result({"content": "x"}, usage={"completion_tokens": 5}).usage is None
    assert result({"content": "x"}, usage={"prompt_tokens": 1}).usage is None
    whole = {"prompt_tokens": 1, "completion_tokens": 0, "prompt_tokens_details": None}
    assert result({"content": "x"}, usage=whole).usage == Usage(prompt_tokens=1)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{}]}', b'{"choices": 1}', b"<html>", b"\xff"]
)
def test_what_is_no_answer_is_a_protocol_error(body: bytes):
    with pytest.raises(UpstreamProtocol):
        client.decode_result(body, ASKED, MODEL)


# --- streams ---


def chunk(delta: dict[str, Any] | None = None, finish_reason: str | None = None, **rest: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return msgspec.json.encode({"id": "r1", "model": "m-2024", "choices": [choice], **rest})


def call(arguments: str = "", **rest: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": rest.pop("name")} if "name" in rest else {})}
    return {"tool_calls": [{"function": function, **rest}]}


def aggregate(*chunks: bytes) -> Result:
    decoder, whole = client.stream_decoder(ASKED, MODEL), Aggregate()
    for data in chunks:
        whole.feed(decoder.feed(data))
    whole.feed(decoder.finish())
    return whole.result()


STOP = chunk({}, "stop")


@pytest.mark.parametrize(
    "deltas",
    [
        # as OpenAI does it, pieces of two calls interleaved
        [call(index=0, id="a", name="f"), call(index=1, id="b", name="g"), call("{1}", index=0), call("{2}", index=1)],
        # no index at all: each call comes whole
        [call("{1}", id="a", name="f"), call("{2}", id="b", name="g")],
        # index 0 for every call, told apart by their ids
        [call("{1}", index=0, id="a", name="f"), call("{2}", index=0, id="b", name="g")],
        # the id repeated with every piece
        [call("{", index=0, id="a", name="f"), call("1}", index=0, id="a"), call("{2}", index=1, id="b", name="g")],
        # indexes that count content blocks
        [call("{1}", index=1, id="a", name="f"), call("{2}", index=3, id="b", name="g")],
        # no index, in pieces
        [call("{", id="a", name="f"), call("1}"), call("{", id="b", name="g"), call("2}")],
    ],
    ids=["interleaved", "no index", "always 0", "repeated id", "block index", "pieces without index"],
)  # fmt: skip
def test_tool_calls_of_every_kind_of_server(deltas: list[dict[str, Any]]):
    answer = aggregate(*(chunk(delta) for delta in deltas), STOP)
    assert answer.content == (
        ToolCall(id="a", name="f", arguments="{1}"), ToolCall(id="b", name="g", arguments="{2}"),
    )  # fmt: skip
    assert answer.finish_reason == "tool_calls"


def test_calls_without_ids_get_their_own():
    answer = aggregate(chunk(call("{}", index=0, name="f")), chunk(call("{}", index=1, name="g")), STOP)
    assert [part.id for part in answer.content if isinstance(part, ToolCall)] == ["call_r1_0", "call_r1_1"]


def test_blocks_follow_one_another():
    decoder = client.stream_decoder(ASKED, MODEL)
    fed: list[Event] = []
    for data in (
        chunk({"reasoning_content": "hm"}), chunk({"content": "Ho"}), chunk({"content": "la"}),
        chunk({"refusal": "no"}), chunk(call("{}", index=0, id="a", name="f")), chunk({"content": "y"}), STOP,
    ):  # fmt: skip
        fed += decoder.feed(data)
    fed += decoder.finish()
    shown = [f"{type(e).__name__}{getattr(e, 'index', '')}{getattr(e, 'kind', '')}" for e in fed]
    assert shown == [
        "BlockStart0reasoning", "Delta0", "BlockStop0", "BlockStart1text", "Delta1", "Delta1", "BlockStop1",
        "BlockStart2refusal", "Delta2", "BlockStop2", "BlockStart3tool_call", "Delta3", "BlockStart4text", "Delta4",
        "BlockStop4", "BlockStop3", "Finish",
    ]  # fmt: skip


def test_several_choices_are_kept_apart():
    def of(index: int, text: str, reason: str | None = None) -> bytes:
        choice = {"index": index, "delta": {"content": text}, "finish_reason": reason}
        return msgspec.json.encode({"choices": [choice]})

    answer = aggregate(of(0, "a"), of(1, "x"), of(0, "b", "stop"), of(1, "y", "length"))
    assert [(choice.content, choice.finish_reason) for choice in answer.choices] == [
        ((Text(text="ab"),), "stop"), ((Text(text="xy"),), "length"),
    ]  # fmt: skip


def test_the_last_usage_counts_and_null_usage_does_not():
    usage = [{"prompt_tokens": 9, "completion_tokens": n} for n in (1, 5)]
    answer = aggregate(
        chunk({"content": "x"}, usage=usage[0]), chunk({}, "stop", usage=None),
        msgspec.json.encode({"choices": [], "usage": usage[1]}),
    )  # fmt: skip
    assert answer.usage == Usage(prompt_tokens=9, completion_tokens=5) and answer.model == "m-2024"


def test_an_unfinished_stream_is_no_answer():
    for chunks, code in ((), "upstream_protocol_error"), ((chunk({"content": "x"}),), "upstream_stream_cut"):
        with pytest.raises(UpstreamProtocol) as caught:
            aggregate(*chunks)
        assert caught.value.code == code


def test_a_stream_that_ends_whole_without_a_word_is_no_answer():
    with pytest.raises(UpstreamProtocol) as caught:
        aggregate(b"[DONE]")
    assert caught.value.code == "upstream_protocol_error"


@pytest.mark.parametrize("end", [b"[DONE]", b"[DONE] ", b" [DONE]", b"[DONE]\t"])
def test_the_end_mark_ends_a_choice_that_gave_no_reason(end: bytes):
    answer = aggregate(chunk({"content": "x"}), end)
    assert answer.content == (Text(text="x"),) and answer.finish_reason == "stop", "as the plain answer without one"


def test_an_error_in_the_stream_is_raised():
    with pytest.raises(UpstreamRateLimited):
        aggregate(chunk({"content": "x"}), b'{"error": {"message": "slow down", "code": 429}}')
    with pytest.raises(UpstreamUnavailable):
        aggregate(b'{"error": "overloaded"}')


# --- errors ---


@pytest.mark.parametrize(
    ("status", "kind", "retriable"),
    [
        (400, UpstreamRejected, False), (401, UpstreamCredentials, True), (403, UpstreamCredentials, True),
        (404, UpstreamRejected, True), (408, UpstreamTimeout, True), (422, UpstreamRejected, False),
        (429, UpstreamRateLimited, True), (500, UpstreamUnavailable, True), (502, UpstreamUnavailable, True),
        (504, UpstreamTimeout, True), (529, UpstreamUnavailable, True),
    ],
)  # fmt: skip
def test_statuses_become_types(status: int, kind: type[UpstreamError], retriable: bool):
    error = client.decode_error(status, {}, b'{"error": {"message": "their words"}}')
    assert type(error) is kind and error.retriable is retriable
    assert "their words" in error.detail and "their words" not in error.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 1.0), ({"retry-after": "7"}, 7.0), ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "inf"}, 1.0), ({"retry-after": "nan"}, 1.0), ({"retry-after": "-1"}, 1.0),
        ({"retry-after": "tomorrow"}, 1.0),
    ],
)  # fmt: skip
def test_retry_after(headers: dict[str, str], seconds: float):
    assert client.decode_error(429, headers, b"").retry_after == seconds
