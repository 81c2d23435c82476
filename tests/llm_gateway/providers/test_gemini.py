"""Gemini through the running gateway: a fake Google behind, real clients before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import openai
import pytest
from fake_providers import Sends, Silent
from fake_providers.gemini import Blocks, Embeds, Endless, Fails, FakeGemini, Says
from service_kit.testing import running

from tests.llm_gateway.harness import CHAT, GENERATE, QUESTION, Stage, error_of, gateway

KEY = "AIza-test-0123456789abcdef"
MODEL = "gemini-pro"
PLAIN = "/v1beta/models/gemini-3.8-flash:generateContent"
ASKED: Any = QUESTION
ADD: Any = {
    "type": "function",
    "function": {
        "name": "add", "description": "Adds",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "additionalProperties": False},
    },
}  # fmt: skip
CALLS = [(None, "add", '{"a": 1}'), (None, "add", '{"a": 2}')]


@asynccontextmanager
async def staged(fake: FakeGemini, **environ: str) -> AsyncIterator[Stage]:
    """A gateway whose Google is `fake`, which must have played its whole script by the end."""
    async with (
        running(fake) as upstream,
        gateway(**{"GOOGLE_API_KEY": KEY, "GOOGLE_BASE_URL": upstream, "CACHE_ENABLED": "false", **environ}) as stage,
    ):
        yield stage
    fake.check()


def chunk(text: str) -> bytes:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    return b"data: " + msgspec.json.encode({"candidates": [candidate]}) + b"\r\n\r\n"


def events(body: str) -> list[Any]:
    data = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    return [one if one == "[DONE]" else msgspec.json.decode(one) for one in data]


async def test_a_plain_answer():
    usage = {
        "promptTokenCount": 1000, "candidatesTokenCount": 80, "thoughtsTokenCount": 20, "cachedContentTokenCount": 400,
    }  # fmt: skip
    fake = FakeGemini(Says("¡Hola! 😀", usage=usage, model="gemini-3.8-flash-001"), keys=[KEY])
    async with staged(fake) as stage:
        reply = await stage.generate(model=MODEL, max_tokens=50)
    body = reply.json()
    assert (body["content"], body["finish_reason"], body["provider"]) == ("¡Hola! 😀", "stop", "google")
    assert body["usage"]["prompt_tokens"] == 1000 and body["usage"]["completion_tokens"] == 100
    assert body["usage"]["cached_tokens"] == 400 and body["usage"]["reasoning_tokens"] == 20
    assert body["cost_usd"] == pytest.approx((600 * 0.75 + 400 * 0.075 + 100 * 3.75) / 1e6)
    (call,) = fake.calls
    assert call.path == PLAIN and call.headers["x-goog-api-key"] == KEY and "authorization" not in call.headers
    assert call.body == {
        "contents": [{"role": "user", "parts": [{"text": "Hola"}]}], "generationConfig": {"maxOutputTokens": 50},
    }  # fmt: skip


async def test_a_stream():
    fake = FakeGemini(Says(["¡Ho", "la!"], thought=["h", "m"]))
    async with staged(fake) as stage, openai.AsyncOpenAI(base_url=f"{stage.url}/v1", api_key="any") as client:
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=ASKED,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "¡Hola!"
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert [c.usage.total_tokens for c in chunks if c.usage] == [13]
    assert fake.calls[0].path.endswith(":streamGenerateContent") and fake.calls[0].query == "alt=sse"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_parallel_tools_and_their_results(stream: bool):
    """Calls without ids get their own; results find their way back by them, and Google is not told of them."""
    fake = FakeGemini(Says("Voy", calls=CALLS, signature="c2ln"), Says("Uno y dos"))
    async with staged(fake) as stage, openai.AsyncOpenAI(base_url=f"{stage.url}/v1", api_key="any") as client:
        if stream:
            async with client.chat.completions.stream(model=MODEL, messages=ASKED, tools=[ADD]) as live:
                asked = await live.get_final_completion()
        else:
            asked = await client.chat.completions.create(model=MODEL, messages=ASKED, tools=[ADD])
        turn = asked.choices[0].message
        calls = [call for call in turn.tool_calls or () if call.type == "function"]
        assert [(call.function.name, call.function.arguments) for call in calls] == [
            ("add", '{"a":1}'),
            ("add", '{"a":2}'),
        ]
        assert len({call.id for call in calls}) == 2 and asked.choices[0].finish_reason == "tool_calls"
        results = [{"role": "tool", "tool_call_id": c.id, "content": c.function.arguments} for c in reversed(calls)]
        conversation: Any = [*ASKED, turn.model_dump(exclude_none=True), *results]
        answer = await client.chat.completions.create(model=MODEL, messages=conversation, tools=[ADD])
    assert answer.choices[0].message.content == "Uno y dos"
    declared = fake.calls[0].body["tools"][0]["functionDeclarations"][0]
    assert declared["parametersJsonSchema"] == ADD["function"]["parameters"]
    asked_again = fake.calls[1].body["contents"]
    assert [content["role"] for content in asked_again] == ["user", "model", "user"]
    text, first, second = asked_again[1]["parts"]
    assert text == {"text": "Voy"} and first["functionCall"] == {"name": "add", "args": {"a": 1}}
    assert first["thoughtSignature"] and "thoughtSignature" not in second
    assert asked_again[2]["parts"] == [
        {"functionResponse": {"name": "add", "response": {"result": f'{{"a":{n}}}'}}} for n in (2, 1)
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_signed_thought_goes_back_to_the_call_that_it_was_on(stream: bool):
    fake = FakeGemini(Says(calls=CALLS[:1], signature="c2lnbmVk", thought="hm"), Says("Uno"))
    async with staged(fake) as stage:
        asked = await stage.generate(model=MODEL, tools=[ADD], stream=stream)
        body = events(asked.text)[-2] if stream else asked.json()
        assert body["reasoning_details"] == [{"signature": "c2lnbmVk", "provider": "google"}]
        (call,) = body["tool_calls"]
        turn = {"role": "assistant", "tool_calls": [call], "reasoning_details": body["reasoning_details"]}
        result = {"role": "tool", "tool_call_id": call["id"], "content": "1"}
        answer = await stage.generate(model=MODEL, tools=[ADD], messages=[*QUESTION, turn, result])
    assert answer.json()["content"] == "Uno"
    assert fake.calls[1].body["contents"][1]["parts"] == [
        {"functionCall": {"name": "add", "args": {"a": 1}}, "thoughtSignature": "c2lnbmVk"}
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_signed_thought_goes_back_over_openais_surface_too(stream: bool):
    fake = FakeGemini(Says("Voy", calls=CALLS, signature="c2lnbmVk", thought="hm"), Says("Uno"))
    async with staged(fake) as stage:
        asked = await stage.chat(model=MODEL, tools=[ADD], stream=stream)
        turn = whole_message(events(asked.text)) if stream else asked.json()["choices"][0]["message"]
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "1"} for call in turn["tool_calls"]]
        answer = await stage.chat(model=MODEL, tools=[ADD], messages=[*QUESTION, turn, *results])
    assert answer.json()["choices"][0]["message"]["content"] == "Uno"
    assert fake.calls[1].body["contents"][1]["parts"] == [
        {"text": "Voy"},
        {"functionCall": {"name": "add", "args": {"a": 1}}, "thoughtSignature": "c2lnbmVk"},
        {"functionCall": {"name": "add", "args": {"a": 2}}},
    ]


def whole_message(sent: list[Any]) -> dict[str, Any]:
    """The message that the deltas of a stream amount to, put together as clients do."""
    deltas = [choice["delta"] for event in sent[:-1] for choice in event["choices"]]
    calls: dict[int, Any] = {}
    for piece in (call for delta in deltas for call in delta.get("tool_calls") or ()):
        call = calls.setdefault(piece["index"], {**piece, "function": {**piece["function"], "arguments": ""}})
        call["function"]["arguments"] += piece["function"].get("arguments") or ""
    return {
        "role": "assistant",
        "content": "".join(delta.get("content") or "" for delta in deltas),
        "tool_calls": list(calls.values()),
        "reasoning_details": [detail for delta in deltas for detail in delta.get("reasoning_details") or ()],
    }


async def test_a_schema_for_the_answer():
    schema = {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"const": 1}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    fake = FakeGemini(Says('{"n": 1}'))
    async with staged(fake) as stage:
        reply = await stage.chat(model=MODEL, response_format=wanted)
    assert reply.json()["choices"][0]["message"]["content"] == '{"n": 1}'
    assert fake.calls[0].body["generationConfig"] == {
        "responseMimeType": "application/json", "responseJsonSchema": schema,
    }  # fmt: skip


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("behavior", "status", "code"),
    [
        (Fails(400, reason="API_KEY_INVALID"), 502, "upstream_credentials"),
        (Fails(403, "PERMISSION_DENIED"), 502, "upstream_credentials"),
        (Fails(400), 400, "upstream_rejected"),
        (
            Fails(400, message="The input token count (9) exceeds the maximum number of tokens allowed (8)."),
            400, "context_length_exceeded",
        ),
        (Blocks(), 400, "content_policy_violation"),
        (Fails(404, "NOT_FOUND"), 404, "upstream_model_not_found"),
        (Says(finish_reason="MALFORMED_FUNCTION_CALL"), 502, "upstream_protocol_error"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
async def test_errors(behavior: Any, status: int, code: str, stream: bool):
    async with staged(FakeGemini(always=behavior)) as stage:
        reply = await stage.chat(model=MODEL, stream=stream)
    error = error_of(reply)
    assert (reply.status_code, error["code"]) == (status, code)
    assert "own words" not in reply.text


async def test_a_limit_tells_how_long_to_wait():
    async with staged(FakeGemini(always=Fails(429, "RESOURCE_EXHAUSTED", retry_delay="3600s"))) as stage:
        reply = await stage.chat(model=MODEL)
    assert (reply.status_code, error_of(reply)["code"]) == (429, "upstream_rate_limited")
    assert 3500 < float(reply.headers["retry-after"]) <= 3600


async def test_a_failing_server_is_not_available():
    async with staged(FakeGemini(always=Fails(500, "INTERNAL"))) as stage:
        reply = await stage.chat(model=MODEL)
    assert (reply.status_code, error_of(reply)["code"]) == (503, "upstream_unavailable")


@pytest.mark.parametrize(
    "behavior",
    [
        Sends([chunk("Ho")], then="cut"),
        Sends([chunk("Ho")]),
        Sends([chunk("Ho"), 0.25, b"data: <html>\n\n"]),
        Sends([chunk("Ho"), 0.25, b'data: {"error": {"code": 503, "message": "own words"}}\r\n\r\n']),
        Says("Ho", finish_reason="OTHER", pause=0.25),
    ],
    ids=["cut", "ended early", "garbage", "an error", "stopped for an unknown reason"],
)
async def test_a_stream_that_breaks_ends_with_an_error(behavior: Any):
    async with staged(FakeGemini(behavior)) as stage:
        reply = await stage.chat(model=MODEL, stream=True)
    sent = events(reply.text)
    assert reply.status_code == 200 and "own words" not in reply.text
    choices = [choice for event in sent[:-1] for choice in event["choices"]]
    assert "".join(choice["delta"].get("content") or "" for choice in choices) == "Ho"
    assert "error" in sent[-1] and not any(choice["finish_reason"] for choice in choices)


async def test_a_client_that_leaves_ends_the_call_upstream():
    fake = FakeGemini(Endless(pause=0.01), Silent())
    async with staged(fake) as stage:
        body = {"model": MODEL, "messages": QUESTION}
        async with stage.http.stream("POST", CHAT, json={**body, "stream": True}) as reply:
            async for _ in reply.aiter_lines():
                break
        await asyncio.wait_for((await fake.call(0)).left.wait(), 5)
        asking = asyncio.ensure_future(stage.http.post(GENERATE, json=body))
        silent = await asyncio.wait_for(fake.call(1), 5)
        asking.cancel()
        await asyncio.wait_for(silent.left.wait(), 5)


async def test_what_it_cannot_say_is_refused_by_name():
    async with staged(FakeGemini()) as stage:
        reply = await stage.chat(model=MODEL, logit_bias={"1": 5})
        linked = await stage.chat(
            model=MODEL,
            messages=[
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x.test/a.png"}}]}
            ],
        )
    assert (reply.status_code, error_of(reply)["param"]) == (400, "logit_bias")
    assert (linked.status_code, error_of(linked)["code"]) == (400, "image_url_unsupported")


async def test_embeddings():
    fake = FakeGemini(Embeds(4), Embeds(4))
    texts = [f"texto {number}" for number in range(101)]
    async with staged(fake) as stage, openai.AsyncOpenAI(base_url=f"{stage.url}/v1", api_key="any") as client:
        answer = await client.embeddings.create(model="gemini-embedding-001", input=texts)
    assert len(answer.data) == 101 and len(answer.data[100].embedding) == 4
    assert answer.usage.prompt_tokens == 202
    assert sorted(len(call.body["requests"]) for call in fake.calls) == [1, 100]
