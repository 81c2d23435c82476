from __future__ import annotations

from typing import Any

import msgspec
import pytest
from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Choice,
    Delta,
    Finish,
    Image,
    Logprobs,
    Reasoning,
    Request,
    Result,
    Signature,
    Text,
    ToolCall,
    Usage,
)
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer
from llm_gateway.errors import InvalidRequest, UpstreamTimeout

from tests.llm_gateway import values
from tests.llm_gateway.event_stream import events

server = OpenAIChatServer()

ASKED = Request(model="m", messages=())
USER = {"role": "user", "content": "Hola"}


def parse(**body: Any) -> Request:
    return server.parse_request(msgspec.json.encode({"model": "gpt-4o", "messages": [USER], **body}))


def refused(**body: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse(**body)
    return caught.value


# --- requests ---


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hola"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [USER, {"role": "user", "content": 5}]}, "messages[1].content"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"frequency_penalty": -3}, "frequency_penalty"),
        ({"stop": 7}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"model": 7}, "model"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"description": "x"}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "custom", "function": {"name": "x"}}]}, "tools[0].type"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"unknown": 1, "temperature": "hot"}, "temperature"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_a_mistake_is_named_by_its_field(body: dict[str, Any], param: str):
    error = refused(**body)
    assert (error.status, error.param) == (400, param)
    assert param.rpartition(".")[2].partition("[")[0] in error.message or param in error.message


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b'"x"', b"{'model': 1}", b'{"messages": [{"role": "user", "content": "\xff"}]}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}', b'{"\xff": 1}',
        b'{"messages": [{"role": "user", "content": "x"}], "unknown": "\\ud800"}',
        b'{"messages": [{"role": "user", "content": "x"}], "unknown": "\xff"}',
        b'{"messages": [{"role": "user", "content": "x"}], "unknown": 1e999}',
        b'{"messages": [{"role": "user", "content": "x"}], "unknown": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"messages": ' + b"[" * 100_000, b'{"metadata": ' + b'{"a":' * 100_000,
        b'\xef\xbb\xbf{"messages": []}',
    ],
    ids=range(16),
)  # fmt: skip
def test_what_is_no_request_is_refused(body: bytes):
    with pytest.raises(InvalidRequest) as caught:
        server.parse_request(body)
    assert caught.value.status == 400


def test_nul_and_emoji_pass():
    assert parse(messages=[{"role": "user", "content": "a\0😀"}]).messages[0].text() == "a\0😀"


def test_what_means_the_same_is_the_same():
    assert parse(max_tokens=5) == parse(max_completion_tokens=5)
    assert parse(stop="x") == parse(stop=["x"])
    assert parse(response_format={"type": "text"}) == parse(stream=False) == parse(temperature=None, tools=None)
    developer, system = ({"role": role, "content": "x"} for role in ("developer", "system"))
    assert parse(messages=[developer]) == parse(messages=[system])


def test_max_completion_tokens_wins_over_its_old_name():
    assert parse(max_tokens=5, max_completion_tokens=7).max_tokens == 7


def test_images_by_address_and_by_value():
    def image(url: str) -> Any:
        part = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
        return parse(messages=[{"role": "user", "content": [part]}]).messages[0].content

    assert image("https://x.test/a.png") == (Image(url="https://x.test/a.png", detail="low"),)
    assert image("data:image/png;base64,aGk=") == (Image(data="aGk=", media_type="image/png", detail="low"),)
    for bad in ("data:image/png,hi", "data:image/png;base64"):
        with pytest.raises(InvalidRequest) as caught:
            image(bad)
        assert caught.value.param == "image_url"


def test_unknown_fields_and_verbosity_are_kept_as_they_are():
    request = parse(web_search_options={"a": [1]}, verbosity="low", metadata={"k": "v"})
    assert request.extra == {"web_search_options": {"a": [1]}, "verbosity": "low"}
    assert request.hints == {"metadata": {"k": "v"}}


def test_reasoning_and_refusals_of_earlier_turns_are_read():
    message = {"role": "assistant", "content": None, "refusal": "no", "reasoning_content": "hm"}
    content = parse(messages=[USER, message]).messages[1].content
    assert [type(part).__name__ for part in content] == ["Reasoning", "Refusal"]


# --- answers ---


def test_a_plain_answer_has_every_field():
    result = Result(
        choices=(Choice(content=(Reasoning(text="hm"), Text(text="Hola")), logprobs={"content": []}),),
        usage=Usage(prompt_tokens=5, completion_tokens=2, cached_tokens=4, reasoning_tokens=1),
    )
    body = msgspec.json.decode(
        server.render_result(values.answer(result, answered_by=values.answered_by(fallback_from="m")), ASKED)
    )
    assert body == {
        "id": "chatcmpl-req_1", "object": "chat.completion", "created": 1_700_000_000, "model": "gpt-4o",
        "provider": "openai", "fallback_from": "m",
        "choices": [
            {
                "index": 0, "finish_reason": "stop", "logprobs": {"content": []},
                "message": {"role": "assistant", "content": "Hola", "refusal": None, "reasoning_content": "hm"},
            }
        ],
        "usage": {
            "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "cost_usd": 0.000123,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0},
        },
    }  # fmt: skip


def test_an_answer_of_calls_alone_has_null_content():
    result = Result(
        choices=(Choice(content=(ToolCall(id="c", name="f", arguments="{}"),), finish_reason="tool_calls"),)
    )
    message = msgspec.json.decode(server.render_result(values.answer(result), ASKED))["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"] == [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


# --- streams ---


def stream(*given: Any, include_usage: bool = False, **changes: Any) -> list[Any]:
    encoder = server.stream_encoder(
        values.answered_by(**changes), Request(model="m", messages=(), include_usage=include_usage)
    )
    result = values.said("x")
    return events(encoder.start() + encoder.feed(list(given)) + encoder.finish(values.answer(result)))


def test_the_first_chunk_of_each_choice_has_the_role():
    chunks = stream(
        BlockStart(index=0, kind="text"), Delta(index=0, text="Ho"), Delta(index=0, text="la"), BlockStop(index=0),
        BlockStart(index=0, kind="text", choice=1), Delta(index=0, text="Hi", choice=1), Finish(reason="stop"),
        Finish(reason="length", choice=1),
    )  # fmt: skip
    assert chunks.pop() == "[DONE]"
    deltas = [(chunk["choices"][0]["index"], chunk["choices"][0]["delta"]) for chunk in chunks]
    assert deltas == [
        (0, {"role": "assistant", "content": ""}), (0, {"content": "Ho"}), (0, {"content": "la"}),
        (1, {"role": "assistant", "content": ""}), (1, {"content": "Hi"}), (0, {}), (1, {}),
    ]  # fmt: skip
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-2:]] == ["stop", "length"]


def test_tools_are_counted_by_themselves():
    chunks = stream(
        BlockStart(index=0, kind="reasoning"), Delta(index=0, text="hm"), Signature(index=0, signature="s"),
        BlockStart(index=1, kind="text"), Delta(index=1, text="voy"), BlockStop(index=1),
        BlockStart(index=2, kind="tool_call", tool_index=0, id="a", name="f"), Delta(index=2, text="{}"),
        BlockStart(index=3, kind="tool_call", tool_index=1, id="b", name="g"), Delta(index=3, text='{"x"'),
        Delta(index=3, text=":1}"), Finish(reason="tool_calls"),
    )  # fmt: skip
    calls = [call for chunk in chunks[:-1] for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert [(c["index"], c.get("id"), c["function"].get("name"), c["function"]["arguments"]) for c in calls] == [
        (0, "a", "f", ""), (0, None, None, "{}"), (1, "b", "g", ""), (1, None, None, '{"x"'), (1, None, None, ":1}"),
    ]  # fmt: skip


def test_an_answer_of_nothing_still_says_who_and_why():
    [only, done] = stream(Finish(reason="content_filter"))
    assert only["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert only["choices"][0]["finish_reason"] == "content_filter" and done == "[DONE]"


def test_usage_comes_only_when_asked_for_and_last():
    given = (BlockStart(index=0, kind="text"), Delta(index=0, text="x"), Finish(reason="stop"))
    assert all("usage" not in chunk for chunk in stream(*given)[:-1])
    *chunks, last, done = stream(*given, include_usage=True)
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == [] and last["usage"]["total_tokens"] == 13 and last["usage"]["cost_usd"] == 0.000123
    assert done == "[DONE]"


def test_every_chunk_says_who_answers():
    chunks = stream(Logprobs(value={"content": []}), Finish(reason="stop"), fallback_from="m", include_usage=True)
    for chunk in chunks[:-1]:
        assert (chunk["model"], chunk["provider"], chunk["fallback_from"]) == ("gpt-4o", "openai", "m")
    assert chunks[0]["choices"][0]["logprobs"] == {"content": []}


def test_a_failure_is_the_envelope_without_done():
    encoder = server.stream_encoder(values.answered_by(), Request(model="m", messages=()))
    [event] = events(encoder.fail(UpstreamTimeout("secret detail")))
    assert event["error"]["code"] == "upstream_timeout" and event["error"]["request_id"] == "req_1"
    assert "secret" not in str(event)
