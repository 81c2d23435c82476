"""Thoughts and their signatures, from providers to clients and back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from llm_gateway.canonical import Choice, Image, Message, Part, Reasoning, Request, Result, Text, ToolCall
from llm_gateway.canonical.aggregate import Aggregate, events_of
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer

from tests.llm_gateway import values
from tests.llm_gateway.event_stream import events

server = OpenAIChatServer()

client = OpenAIChatClient()

ASKED = Request(model="m", messages=())
OPENROUTER = values.model(
    "m", "openrouter", endpoint=values.endpoint("openrouter", reasoning_back="details", also_carries=frozenset())
)
DEEPSEEK = values.model("m", "deepseek", endpoint=values.endpoint("deepseek", reasoning_back="tool_turns"))
CALL = ToolCall(id="c1", name="f", arguments="{}")


def sent(messages: tuple[Message, ...], model: Any) -> list[dict[str, Any]]:
    return msgspec.json.decode(client.encode_request(Request(model="m", messages=messages), model))["messages"]


def returned(content: tuple[Part, ...], *, stream: bool = False) -> tuple[Part, ...]:
    """What a client that sends our answer back as it got it tells us."""
    result = Result(choices=(Choice(content=content),))
    if not stream:
        message = msgspec.json.decode(server.render_result(values.answer(result), ASKED))["choices"][0]["message"]
    else:
        encoder = server.stream_encoder(values.answered_by(), ASKED)
        raw = b"".join(encoder.feed([event]) for event in events_of(result)) + encoder.finish(values.answer(result))
        message = _assembled([chunk["choices"][0]["delta"] for chunk in events(raw) if chunk != "[DONE]"])
    return server.parse_request(msgspec.json.encode({"messages": [message]})).messages[0].content


def _assembled(deltas: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": "", "reasoning_details": []}
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        message["content"] += delta.get("content") or ""
        message["reasoning_content"] += delta.get("reasoning_content") or ""
        message["reasoning_details"] += delta.get("reasoning_details") or []
        for call in delta.get("tool_calls") or ():
            if "id" in call:
                calls[call["index"]] = call
            else:
                calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
    return {**message, "content": message["content"] or None, "tool_calls": list(calls.values())}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("provider", ["anthropic", "google", "openai", "aws", "openrouter", None])
@pytest.mark.parametrize(
    "thoughts",
    [
        (Reasoning(text="hm", signature="Er+/="),),
        (Reasoning(signature="Er+/=", redacted=True),),
        (Reasoning(text="a", signature="1"), Reasoning(text="b", signature="2"), Reasoning(signature="3")),
    ],
    ids=["signed", "redacted", "several"],
)
def test_signed_thoughts_come_back_with_their_provider(
    thoughts: tuple[Reasoning, ...], provider: str | None, stream: bool
):
    content = tuple(msgspec.structs.replace(thought, provider=provider) for thought in thoughts)
    text = (Text(text="Hola"),)
    assert returned((*content, *text), stream=stream) == (*content, *text)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_calls_own_signature_stays_with_its_call(stream: bool):
    signed = Reasoning(signature="sig", provider="google")
    other = ToolCall(id="c2", name="g", arguments="{}")
    content = (Reasoning(text="hm"), Text(text="Voy"), signed, CALL, other)
    assert returned(content, stream=stream) == content


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_thoughts_without_signatures_need_no_details(stream: bool):
    content = (Reasoning(text="hm"), Text(text="x"))
    assert returned(content, stream=stream) == content
    body = server.render_result(values.answer(Result(choices=(Choice(content=content),))), ASKED)
    assert b"reasoning_details" not in body


# --- from and to OpenRouter ---

DETAILS = [
    {"type": "reasoning.summary", "summary": "s", "format": "openai-responses-v1", "index": 0},
    {"type": "reasoning.encrypted", "data": "gAA", "id": "rs_1", "format": "openai-responses-v1", "index": 1},
    {"type": "reasoning.text", "text": "t", "signature": "sig", "format": "anthropic-claude-v1", "index": 2},
    {"type": "reasoning.text", "text": "u", "format": "unknown", "index": 3},
]


def test_openrouters_details_go_back_whole_and_only_there():
    message = {"content": "x", "reasoning": "stu", "reasoning_details": DETAILS}
    body = msgspec.json.encode({"choices": [{"message": message, "finish_reason": "stop"}]})
    content = client.decode_result(body, ASKED, OPENROUTER).content
    assert [part.text for part in content if isinstance(part, Reasoning)] == ["s", "", "t", "u"]
    turn = Message(role="assistant", content=content)
    [back] = sent((turn,), OPENROUTER)
    assert back == {"role": "assistant", "content": "x", "reasoning_details": DETAILS}
    assert sent((turn,), values.model("m")) == [{"role": "assistant", "content": "x"}]


def test_openrouters_streamed_details_are_the_same():
    decoder, aggregate = client.stream_decoder(ASKED, OPENROUTER), Aggregate()
    pieces: list[dict[str, Any]] = [
        DETAILS[0], DETAILS[1],
        {"type": "reasoning.text", "text": "t", "format": "anthropic-claude-v1", "index": 2},
        {"type": "reasoning.text", "signature": "sig", "index": 2}, DETAILS[3],
    ]  # fmt: skip
    deltas = [{"reasoning": piece.get("text"), "reasoning_details": [piece]} for piece in pieces]
    for delta in (*deltas, {"content": "x"}):
        aggregate.feed(decoder.feed(msgspec.json.encode({"choices": [{"index": 0, "delta": delta}]})))
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    aggregate.feed([*decoder.feed(msgspec.json.encode(end)), *decoder.finish()])
    [back] = sent((Message(role="assistant", content=aggregate.result().content),), OPENROUTER)
    assert back["reasoning_details"] == DETAILS


def test_a_seal_that_a_client_made_up_is_left_out():
    forged = Reasoning(text="x", signature="not json", provider="openrouter")
    [back] = sent((Message(role="assistant", content=(forged, Text(text="x"))),), OPENROUTER)
    assert "reasoning_details" not in back


# --- DeepSeek ---


def test_deepseek_sees_the_thoughts_of_turns_with_calls_alone():
    question = Message(role="user", content=(Text(text="?"),))
    turns = (
        question,
        Message(role="assistant", content=(Reasoning(text="hm"), Text(text="x"))),
        Message(role="assistant", content=(Reasoning(text="so"), CALL)),
        Message(role="tool", tool_call_id="c1", content=(Text(text="1"),)),
        Message(role="assistant", content=(CALL,)),
        Message(role="tool", tool_call_id="c1", content=(Text(text="1"),)),
    )
    assert [message.get("reasoning_content") for message in sent(turns, DEEPSEEK)] == [
        None, None, "so", None, "", None,
    ]  # fmt: skip
    assert all("reasoning_content" not in message for message in sent((turns[0], turns[4], turns[5]), DEEPSEEK))
    assert all("reasoning_content" not in message for message in sent(turns, values.model("m")))


# --- pictures from tools ---


def test_pictures_from_tools_follow_all_results():
    picture = Image(data="aGk=", media_type="image/png")
    turns = (
        Message(role="assistant", content=(CALL, ToolCall(id="c2", name="f", arguments="{}"))),
        Message(role="tool", tool_call_id="c1", content=(picture,)),
        Message(role="tool", tool_call_id="c2", content=(Text(text="2"), picture)),
        Message(role="assistant", content=(Text(text="x"),)),
    )
    first, second, shown, _ = sent(turns, values.model("m"))[1:]
    assert first["content"] == "The result is an image, which follows." and second["content"] == "2"
    assert shown["role"] == "user" and [part["type"] for part in shown["content"]] == [
        "text", "image_url", "text", "image_url",
    ]  # fmt: skip
    assert ["c1" in shown["content"][0]["text"], "c2" in shown["content"][2]["text"]] == [True, True]
    assert sent(turns[:2], values.model("m"))[-1]["role"] == "user"


def test_a_failure_is_told_only_where_nothing_else_is():
    empty = Message(role="tool", tool_call_id="c1", is_error=True)
    said = Message(role="tool", tool_call_id="c1", is_error=True, content=(Text(text="no such file"),))
    assert [message["content"] for message in sent((empty, said), values.model("m"))] == [
        "The tool failed.", "no such file",
    ]  # fmt: skip
