"""What Gemini says, whole or in a stream."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from llm_gateway.canonical import (
    BlockStart,
    Choice,
    Event,
    Reasoning,
    Request,
    Result,
    Text,
    ToolCall,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.errors import (
    UpstreamError,
    UpstreamProtocol,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnavailable,
)

from tests.llm_gateway import values

client = GeminiClient()

ASKED = Request(model="gemini-pro", messages=())
MODEL = values.model("gemini-pro", "google")
CALL = {"functionCall": {"name": "add", "args": {"b": [1, 2.5], "a": "ñ"}}}
SIGNED = Reasoning(signature="c2ln", provider="google")


def chunk(*parts: dict[str, Any], finish: str | None = None, index: int | None = 0, **rest: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    if index is not None:
        candidate["index"] = index
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **rest}


def plain(*parts: dict[str, Any], finish: str = "STOP", **rest: Any) -> Result:
    return decode(chunk(*parts, finish=finish, **rest))


def decode(body: Any) -> Result:
    return client.decode_result(msgspec.json.encode(body), ASKED, MODEL)


def events(*chunks: Any) -> list[Event]:
    decoder = client.stream_decoder(ASKED, MODEL)
    found = [
        event for one in chunks for event in decoder.feed(one if isinstance(one, bytes) else msgspec.json.encode(one))
    ]
    return found + decoder.finish()


def streamed(*chunks: Any) -> Result:
    whole = Aggregate()
    whole.feed(events(*chunks))
    return whole.result()


# --- content ---


def test_every_kind_of_part():
    answer = plain(
        {"text": "hm", "thought": True}, {"text": "Vo"}, {"text": "y", "odd": 1}, {"executableCode": {"code": "x"}},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {}, {"text": ""},
        {**CALL, "thoughtSignature": "c2ln"}, CALL, responseId="r1", modelVersion="gemini-x",
    )  # fmt: skip
    arguments = '{"b":[1,2.5],"a":"ñ"}'
    assert answer.content == (
        Reasoning(text="hm"), Text(text="Voy"), SIGNED, ToolCall(id="gwcall_r1_0_0", name="add", arguments=arguments),
        ToolCall(id="gwcall_r1_0_1", name="add", arguments=arguments),
    )  # fmt: skip
    assert (answer.finish_reason, answer.id, answer.model) == ("tool_calls", "r1", "gemini-x")


def test_calls_keep_their_ids_and_may_lack_arguments():
    calls = [{"functionCall": {"name": "now", "id": "fc-1"}}, {"functionCall": {"name": "now", "args": None}}]
    assert plain(*calls).content == (
        ToolCall(id="fc-1", name="now", arguments="{}"), ToolCall(id="gwcall_gemini_0_1", name="now", arguments="{}"),
    )  # fmt: skip


def test_signatures_on_every_kind_of_part():
    signed = {"thoughtSignature": "c2ln"}
    assert plain({"text": "a", **signed}).content == (SIGNED, Text(text="a"))
    assert plain({"text": "a"}, {"text": "b", **signed}).content == (Text(text="a"), SIGNED, Text(text="b"))
    assert plain({"text": "a"}, {"text": "", **signed}).content == (Text(text="a"), SIGNED)
    assert plain({"text": "hm", "thought": True, **signed}).content == (
        Reasoning(text="hm", signature="c2ln", provider="google"),
    )
    thoughts = [{"text": "a", "thought": True}, {**CALL, **signed}, {"text": "b", "thought": True}]
    assert [type(part) for part in plain(*thoughts).content] == [Reasoning, Reasoning, ToolCall, Reasoning]


def test_an_answer_without_content_is_one():
    for candidate in ({"finishReason": "STOP"}, {"finishReason": "STOP", "content": {"role": "model"}}):
        assert decode({"candidates": [candidate]}).choices == (Choice(finish_reason="stop"),)


def test_several_candidates():
    candidates = [chunk({"text": text}, finish="STOP", index=n)["candidates"][0] for n, text in ((1, "b"), (0, "a"))]
    assert [c.content for c in decode({"candidates": candidates}).choices] == [(Text(text="a"),), (Text(text="b"),)]
    for candidate in candidates:
        del candidate["index"]
    assert [c.content for c in decode({"candidates": candidates}).choices] == [(Text(text="b"),), (Text(text="a"),)]


def test_ids_of_calls_are_unique_over_the_candidates():
    candidates = [chunk(CALL, CALL, finish="STOP", index=n)["candidates"][0] for n in range(2)]
    ids = [part.id for choice in decode({"candidates": candidates}).choices for part in choice.content]  # type: ignore[union-attr]
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"), ("MAX_TOKENS", "length"), ("CONTINUATION", "length"), ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"), ("BLOCKLIST", "content_filter"), ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"), ("LANGUAGE", "content_filter"), ("IMAGE_SAFETY", "content_filter"),
    ],
)  # fmt: skip
def test_reasons_to_finish(reason: str, expected: str):
    assert plain({"text": "x"}, finish=reason).finish_reason == expected
    assert plain(CALL, finish=reason).finish_reason == ("tool_calls" if expected == "stop" else expected)
    assert streamed(chunk({"text": "x"}), chunk(finish=reason)).finish_reason == expected


@pytest.mark.parametrize(
    "reason",
    ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE", "OTHER", "NEW"],
)
def test_a_stumble_is_no_answer(reason: str):
    for answering in (plain, lambda part, finish: streamed(chunk(part), chunk(finish=finish))):
        with pytest.raises(UpstreamProtocol) as caught:
            answering({"text": "x"}, finish=reason)
        assert caught.value.retriable and reason in caught.value.detail


def test_a_blocked_prompt_is_refused_as_openai_does():
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}}
    for answering in (decode, streamed):
        with pytest.raises(UpstreamRejected) as caught:
            answering(blocked)
        assert (caught.value.status, caught.value.code, caught.value.type) == (
            400, "content_policy_violation", "invalid_request_error",
        )  # fmt: skip
        assert not caught.value.retriable and "PROHIBITED" in caught.value.detail
    assert plain({"text": "x"}, promptFeedback={"safetyRatings": []}).finish_reason == "stop"


# --- numbers ---


def test_usage_in_full():
    counts = {
        "promptTokenCount": 100, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 20, "thoughtsTokenCount": 30,
        "cachedContentTokenCount": 40, "totalTokenCount": 155, "trafficType": "ON_DEMAND",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 90}, {"modality": "AUDIO", "tokenCount": 10}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}, {"modality": "TEXT"}],
    }  # fmt: skip
    assert plain({"text": "x"}, usageMetadata=counts).usage == Usage(
        prompt_tokens=105, completion_tokens=50, cached_tokens=40, reasoning_tokens=30, audio_prompt_tokens=10,
        audio_completion_tokens=2,
    )  # fmt: skip
    assert plain({"text": "x"}, usageMetadata={"totalTokenCount": 3}).usage is None
    assert plain({"text": "x"}).usage is None


def test_the_last_of_each_count_counts():
    answer = streamed(
        chunk({"text": "a"}, usageMetadata={"promptTokenCount": 9, "candidatesTokenCount": 1, "thoughtsTokenCount": 7}),
        chunk({"text": "b"}, finish="STOP", usageMetadata={"promptTokenCount": 9, "candidatesTokenCount": 5}),
        {"usageMetadata": {"cachedContentTokenCount": 3}, "modelVersion": "gemini-x"},
    )
    assert answer.usage == Usage(prompt_tokens=9, completion_tokens=12, cached_tokens=3, reasoning_tokens=7)
    assert answer.model == "gemini-x"


def test_a_cut_stream_has_been_counted_until_then():
    decoder = client.stream_decoder(ASKED, MODEL)
    counts = {"promptTokenCount": 9, "candidatesTokenCount": 1}
    silent = decoder.feed(msgspec.json.encode(chunk({"text": ""}, usageMetadata=counts)))
    begun = decoder.feed(msgspec.json.encode(chunk({"text": "a"}, usageMetadata=counts)))
    assert silent == [] and begun[-1] == UsageReport(usage=Usage(prompt_tokens=9, completion_tokens=1))


def test_log_probabilities_in_openais_form():
    logprobs = {
        "chosenCandidates": [{"token": "ñ", "tokenId": 7, "logProbability": -0.5}, {"token": "b"}],
        "topCandidates": [
            {"candidates": [{"token": "ñ", "logProbability": -0.5}, {"token": "n", "logProbability": -2}]},
        ],
    }  # fmt: skip
    body = chunk({"text": "ñb"}, finish="STOP")
    body["candidates"][0]["logprobsResult"] = logprobs
    answer = decode(body)
    assert answer.choices[0].logprobs == {
        "content": [
            {
                "token": "ñ", "logprob": -0.5, "bytes": [195, 177],
                "top_logprobs": [
                    {"token": "ñ", "logprob": -0.5, "bytes": [195, 177]}, {"token": "n", "logprob": -2, "bytes": [110]},
                ],
            },
            {"token": "b", "logprob": 0.0, "bytes": [98], "top_logprobs": []},
        ],
        "refusal": None,
    }  # fmt: skip
    body["candidates"][0]["logprobsResult"] = {"chosenCandidates": []}
    assert decode(body).choices[0].logprobs is None


# --- streams ---


def test_blocks_follow_one_another():
    shown = [
        f"{type(event).__name__}{getattr(event, 'index', '')}{event.kind if isinstance(event, BlockStart) else ''}"
        for event in events(
            chunk({"text": "h", "thought": True}), chunk({"text": "m", "thought": True}), chunk({"text": "Ho"}),
            chunk({"text": "la"}), chunk({**CALL, "thoughtSignature": "c2ln"}, CALL), chunk({"text": "y"}),
            chunk(finish="STOP"),
        )
    ]  # fmt: skip
    assert shown == [
        "BlockStart0reasoning", "Delta0", "Delta0", "BlockStop0", "BlockStart1text", "Delta1", "Delta1", "BlockStop1",
        "BlockStart2reasoning", "Signature2", "BlockStop2", "BlockStart3tool_call", "Delta3", "BlockStop3",
        "BlockStart4tool_call", "Delta4", "BlockStop4", "BlockStart5text", "Delta5", "BlockStop5", "Finish",
    ]  # fmt: skip


def test_tools_are_counted_apart_from_blocks():
    starts = [e for e in events(chunk({"text": "a"}, CALL), chunk(CALL, finish="STOP")) if isinstance(e, BlockStart)]
    assert [(start.index, start.tool_index) for start in starts] == [(0, None), (1, 0), (2, 1)]


def test_the_end_of_every_candidate_that_began_is_wanted():
    decoder = client.stream_decoder(ASKED, MODEL)
    for one, complete in (
        (chunk({"text": "a"}, index=0), False), (chunk(finish="STOP", index=0), True),
        (chunk({"text": "b"}, index=1), False), (chunk(finish="MAX_TOKENS", index=1), True),
    ):  # fmt: skip
        decoder.feed(msgspec.json.encode(one))
        assert decoder.complete is complete and not decoder.done
    assert decoder.finish()


@pytest.mark.parametrize(
    "chunks",
    [
        (chunk({"text": "a"}),),
        (chunk({"text": "a"}, finish="FINISH_REASON_UNSPECIFIED"),),
        (chunk({"text": "a"}, finish="STOP", index=1),),
        (chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, index=1)),
    ],
)  # fmt: skip
def test_an_unfinished_stream_is_no_answer(chunks: tuple[Any, ...]):
    with pytest.raises(UpstreamProtocol) as caught:
        streamed(*chunks)
    assert caught.value.code == "upstream_stream_cut"


@pytest.mark.parametrize("chunks", [(), ({},), ({"usageMetadata": {"promptTokenCount": 1}},)])
def test_a_stream_without_candidates_is_none(chunks: tuple[Any, ...]):
    with pytest.raises(UpstreamProtocol) as caught:
        streamed(*chunks)
    assert caught.value.code == "upstream_protocol_error"


def test_an_error_in_the_stream_is_raised():
    for error, kind in (
        ({"code": 429, "status": "RESOURCE_EXHAUSTED"}, UpstreamRateLimited),
        ({"code": 503, "status": "UNAVAILABLE"}, UpstreamUnavailable),
        ("overloaded", UpstreamUnavailable), ({"code": "x"}, UpstreamUnavailable), ({"code": 7}, UpstreamUnavailable),
    ):  # fmt: skip
        with pytest.raises(kind):
            streamed(chunk({"text": "a"}), {"error": error})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"1", b"null", b"<html>", b"\xff", b"{", b'{"candidates": 1}', b'{"candidates": [1]}',
        b'{"candidates": [{"content": []}]}', b'{"candidates": [{"content": {"parts": {}}}]}',
        b'{"candidates": [{"content": {"parts": [{"text": 1}]}}]}', b'{"candidates": [{"index": 100000000}]}',
        b'{"candidates": [{"index": -1}]}', b'{"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": []}}]}}]}',
        b'{"candidates": [{"finishReason": 1}]}', b'{"usageMetadata": {"promptTokenCount": "9"}}', b"[" * 100_000,
        b'{"usageMetadata": {"promptTokenCount": -9}}', b'{"x": ' + b"[" * 100_000,
        b'{"candidates": [{"content": {"parts": [{"text": "\\ud83d"}]}}]}',
    ],
    ids=lambda body: body[:60].decode("latin-1"),
)  # fmt: skip
def test_what_is_no_answer_is_a_protocol_error(body: bytes):
    with pytest.raises(UpstreamProtocol):
        client.decode_result(body, ASKED, MODEL)
    with pytest.raises(UpstreamProtocol):
        streamed(chunk({"text": "a"}), body)


@pytest.mark.parametrize("body", [{}, {"candidates": []}, {"candidates": None}])
def test_an_answer_without_candidates_is_none(body: dict[str, Any]):
    with pytest.raises(UpstreamError):
        decode(body)
