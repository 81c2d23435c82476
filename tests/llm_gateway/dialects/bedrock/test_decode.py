"""Converse's answers and streams in odd but real forms."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    FinishReason,
    Message,
    Reasoning,
    Request,
    ResponseFormat,
    Result,
    Signature,
    Text,
    ToolCall,
    Usage,
    UsageReport,
)
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.errors import UpstreamError, UpstreamProtocol
from llm_gateway.net.event_stream import Frame

from tests.llm_gateway import values

client = BedrockClient()

MODEL = values.model("us.amazon.nova-pro-v1:0", "aws")
ASKED = Request(model="m", messages=(Message(role="user", content=(Text(text="Hola"),)),))
FORCED = msgspec.structs.replace(ASKED, response_format=ResponseFormat(type="json_object"))


def result(*blocks: dict[str, Any], request: Request = ASKED, **fields: Any) -> Result:
    answer = {"output": {"message": {"role": "assistant", "content": list(blocks)}}, "stopReason": "end_turn"}
    return client.decode_result(msgspec.json.encode({**answer, **fields}), request, MODEL)


def frame(name: str, **payload: Any) -> Frame:
    return Frame("event", name, msgspec.json.encode(payload))


def delta(index: int, **what: Any) -> Frame:
    return frame("contentBlockDelta", contentBlockIndex=index, delta=what)


def start(index: int, **what: Any) -> Frame:
    return frame("contentBlockStart", contentBlockIndex=index, start={"toolUse": what})


def stop(index: int) -> Frame:
    return frame("contentBlockStop", contentBlockIndex=index)


END = frame("messageStop", stopReason="end_turn")


def decoded(*frames: Frame, request: Request = ASKED) -> list[Event]:
    decoder = client.stream_decoder(request, MODEL)
    return [event for one in frames for event in decoder.feed(one)] + decoder.finish()


# --- whole answers ---


def test_usage_counts_the_cache_within_the_prompt():
    usage = {
        "inputTokens": 10, "outputTokens": 5, "totalTokens": 135, "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 20,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 15}, {"ttl": "5m", "inputTokens": 5}],
    }  # fmt: skip
    assert result({"text": "x"}, usage=usage).usage == Usage(
        prompt_tokens=130, completion_tokens=5, cached_tokens=100, cache_write_tokens=20, cache_write_1h_tokens=15
    )
    assert result({"text": "x"}).usage is None


@pytest.mark.parametrize(
    ("reason", "ours"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("tool_use", "stop"),
        ("model_context_window_exceeded", "length"), ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"), ("something_new", "stop"),
    ],
)  # fmt: skip
def test_stop_reasons(reason: str, ours: FinishReason):
    assert result({"text": "x"}, stopReason=reason).finish_reason == ours
    assert Finish(reason=ours) in decoded(delta(0, text="x"), frame("messageStop", stopReason=reason))


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_what_bedrock_could_not_read_is_no_answer(reason: str):
    with pytest.raises(UpstreamProtocol) as plain:
        result({"text": "x"}, stopReason=reason)
    with pytest.raises(UpstreamProtocol) as streamed:
        decoded(delta(0, text="x"), frame("messageStop", stopReason=reason))
    assert plain.value.code == streamed.value.code == "upstream_malformed_output"


def test_calls_with_a_stop_reason_that_does_not_say_so():
    answer = result({"toolUse": {"toolUseId": "t", "name": "f", "input": None}})
    assert answer.content == (ToolCall(id="t", name="f", arguments="{}"),)
    assert answer.finish_reason == "tool_calls"


def test_arguments_are_the_text_that_came():
    body = b"""{"output":{"message":{"content":[{"toolUse":{"toolUseId":"t","name":"f",
        "input":{"z" : 1.0, "a":1e3}}}]}},"stopReason":"tool_use"}"""
    answer = client.decode_result(body, ASKED, MODEL)
    assert answer.content[0] == ToolCall(id="t", name="f", arguments='{"z" : 1.0, "a":1e3}')


def test_blocks_of_every_kind():
    answer = result(
        {"text": ""},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": ""}}},
        {"reasoningContent": {"reasoningText": {"text": "mmm"}}},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "AHg="}},
        {"citationsContent": {"content": [{"text": "Según "}, {"text": "AWS"}], "citations": []}},
        {"toolUse": {"toolUseId": "s", "name": "web", "input": {}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "s", "content": []}},
        {"somethingNew": {"x": 1}},
    )
    assert answer.content == (
        Reasoning(text="mmm"),
        Reasoning(signature="c2ln", provider="aws"),
        Reasoning(signature="AHg=", provider="aws", redacted=True),
        Text(text="Según AWS"),
    )


@pytest.mark.parametrize("fields", [{"stop_sequence": "FIN"}, {"delta": {"stop_sequence": "FIN"}}])
def test_the_stop_sequence(fields: dict[str, Any]):
    assert result({"text": "x"}, additionalModelResponseFields=fields).choices[0].stop_sequence == "FIN"
    end = frame("messageStop", stopReason="stop_sequence", additionalModelResponseFields=fields)
    assert Finish(reason="stop", stop_sequence="FIN") in decoded(delta(0, text="x"), end)


@pytest.mark.parametrize("fields", [None, [], "FIN", {"delta": []}, {"stop_sequence": 3}, {"delta": None}])
def test_no_stop_sequence(fields: Any):
    assert result({"text": "x"}, additionalModelResponseFields=fields).choices[0].stop_sequence is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b'{"output":{},"stopReason":"end_turn"}',
        b'{"output":{"message":{"content":null}},"stopReason":"end_turn"}',
        b'{"output":{"message":{"content":[{"toolUse":{"name":"f"}}]}},"stopReason":"end_turn"}',
        b'{"output":{"message":{"content":[]}}}', b'{"message":"Internal server error"}', b"[" * 10_000,
    ],
)  # fmt: skip
def test_answers_that_are_none(body: bytes):
    with pytest.raises(UpstreamProtocol):
        client.decode_result(body, ASKED, MODEL)


# --- streams ---


def test_text_begins_without_a_start_and_tools_are_counted_apart():
    events = decoded(
        frame("messageStart", role="assistant"),
        delta(0, text="Voy"),
        stop(0),
        start(1, toolUseId="a", name="f"),
        delta(1, toolUse={"input": '{"x":'}),
        delta(1, toolUse={"input": "1}"}),
        stop(1),
        start(2, toolUseId="b", name="g"),
        stop(2),
        frame("messageStop", stopReason="tool_use"),
        frame("metadata", usage={"inputTokens": 1, "outputTokens": 2}, metrics={"latencyMs": 3}),
    )
    assert events == [
        BlockStart(index=0, kind="text"),
        Delta(index=0, text="Voy"),
        BlockStop(index=0),
        BlockStart(index=1, kind="tool_call", tool_index=0, id="a", name="f"),
        Delta(index=1, text='{"x":'),
        Delta(index=1, text="1}"),
        BlockStop(index=1),
        BlockStart(index=2, kind="tool_call", tool_index=1, id="b", name="g"),
        Delta(index=2, text="{}"),  # no arguments are an empty object
        BlockStop(index=2),
        Finish(reason="tool_calls"),
        UsageReport(usage=Usage(prompt_tokens=1, completion_tokens=2), model="us.amazon.nova-pro-v1:0"),
    ]


def test_blocks_that_are_interleaved_or_never_stopped():
    events = decoded(
        start(0, toolUseId="a", name="f"),
        start(1, toolUseId="b", name="g"),
        delta(1, toolUse={"input": "{1"}),
        delta(0, toolUse={"input": "{0"}),
        END,
    )
    assert [(one.index, one.text) for one in events if isinstance(one, Delta)] == [(1, "{1"), (0, "{0")]
    assert [one.index for one in events if isinstance(one, BlockStop)] == [0, 1]


def test_a_block_that_changes_its_kind():
    events = decoded(delta(0, reasoningContent={"text": "mmm"}), delta(0, text="Sí"), delta(0, text="!"), stop(0), END)
    assert events[:6] == [
        BlockStart(index=0, kind="reasoning"),
        Delta(index=0, text="mmm"),
        BlockStop(index=0),
        BlockStart(index=1, kind="text"),
        Delta(index=1, text="Sí"),
        Delta(index=1, text="!"),
    ]


def test_a_redacted_thought_in_pieces():
    secret = b"\x00\xffabc"
    pieces = [base64.b64encode(secret[:2]).decode(), base64.b64encode(secret[2:]).decode()]
    events = decoded(*(delta(0, reasoningContent={"redactedContent": piece}) for piece in pieces), stop(0), END)
    assert events[1] == Signature(index=0, signature=base64.b64encode(secret).decode(), provider="aws", redacted=True)


def test_nobodys_business():
    """Tools that Bedrock runs itself, events and deltas of tomorrow, and empty pieces say nothing."""
    events = decoded(
        start(0, toolUseId="s", name="web", type="server_tool_use"),
        delta(0, toolUse={"input": '{"q":1}'}),
        stop(0),
        frame("contentBlockStart", contentBlockIndex=1, start={"image": {"format": "png"}}),
        delta(1, image={"source": {}}),
        stop(1),
        frame("somethingNew", x=1),
        delta(2, text=""),
        delta(2, citation={"title": "x"}),
        stop(2),
        stop(7),
        delta(3, text="Sí"),
        END,
    )
    assert events == [
        BlockStart(index=0, kind="text"), Delta(index=0, text="Sí"), BlockStop(index=0), Finish(reason="stop"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        Frame("event", "contentBlockDelta", b""),
        Frame("event", "contentBlockDelta", b"[]"),
        Frame("event", "contentBlockDelta", b'{"delta":{}}'),
        Frame("event", "messageStop", b"{}"),
        Frame("event", "contentBlockStop", b"\xff"),
        Frame("event", "contentBlockStart", b"[" * 10_000),
        delta(0, toolUse={"input": "x"}),
        start(0, name="f"),
    ],
)
def test_frames_that_are_not_as_promised(bad: Frame):
    with pytest.raises(UpstreamProtocol):
        decoded(bad, END)


def test_redacted_thoughts_that_are_no_base64():
    with pytest.raises(UpstreamProtocol):
        decoded(*(delta(0, reasoningContent={"redactedContent": piece}) for piece in ("A", "B")), stop(0), END)


def test_errors_that_the_api_does_not_describe():
    with pytest.raises(UpstreamError) as caught:
        decoded(Frame("error", "InternalError", b"ay"))
    assert caught.value.code == "upstream_unavailable"


def test_when_a_stream_is_complete_and_when_it_is_done():
    decoder = client.stream_decoder(ASKED, MODEL)
    assert (decoder.complete, decoder.done) == (False, False)
    decoder.feed(END)
    assert (decoder.complete, decoder.done) == (True, False)
    decoder.feed(frame("metadata"))
    assert (decoder.complete, decoder.done) == (True, True)
    assert decoder.finish() == [Finish(reason="stop")]


# --- a tool that stands for the answer ---


def test_words_around_the_answer_are_left_out():
    call = {"toolUse": {"toolUseId": "t", "name": "json_answer", "input": {"n": 7}}}
    answer = result({"text": "Ahora:"}, call, call, stopReason="tool_use", request=FORCED)
    assert (answer.content, answer.finish_reason) == ((Text(text='{"n":7}'),), "stop")
    events = decoded(
        delta(0, text="Ahora:"), stop(0), start(1, toolUseId="t", name="json_answer"),
        delta(1, toolUse={"input": '{"n":'}), delta(1, toolUse={"input": "7}"}), stop(1),
        start(2, toolUseId="u", name="json_answer"), delta(2, toolUse={"input": "{}"}), stop(2),
        frame("messageStop", stopReason="tool_use"), request=FORCED,
    )  # fmt: skip
    assert events == [
        BlockStart(index=0, kind="text"),
        Delta(index=0, text='{"n":'),
        Delta(index=0, text="7}"),
        BlockStop(index=0),
        Finish(reason="stop"),
    ]


def test_a_model_that_does_not_call_it_says_what_it_says():
    assert result({"text": "No "}, {"text": "puedo"}, request=FORCED).content == (Text(text="No puedo"),)
    events = decoded(delta(0, text="No "), stop(0), delta(1, text="puedo"), stop(1), END, request=FORCED)
    assert events == [
        BlockStart(index=0, kind="text"),
        Delta(index=0, text="No puedo"),
        BlockStop(index=0),
        Finish(reason="stop"),
    ]
