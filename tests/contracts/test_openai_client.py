"""OpenAI's own client against the gateway, over a fake of OpenAI and over the embedded planner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from fake_providers import Endless, Fails, FakeOpenAI, Says, Sends
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.llm_gateway.harness import Stage, gateway, staged

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Suma 4 y 6"}]
ADD: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two numbers. Suma dos números.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    },
}
CALLS = [("call_1", "add", '{"a": 1, "b": 2}'), ("call_2", "add", '{"a": 3, "b": 4}')]


def client_of(stage: Stage, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{stage.url}/v1", **{"api_key": "any", "max_retries": 0, **options})


@asynccontextmanager
async def over(fake: FakeOpenAI, **environ: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with staged(fake, **environ) as stage, client_of(stage) as client:
        yield client


@asynccontextmanager
async def offline() -> AsyncIterator[openai.AsyncOpenAI]:
    async with gateway() as stage, client_of(stage) as client:
        yield client


# --- answers ---


async def test_plain():
    async with over(FakeOpenAI(Says("¡Hola! 😀", usage={"prompt_tokens": 1000, "completion_tokens": 100}))) as client:
        raw = await client.chat.completions.with_raw_response.create(model="gpt-4o", messages=QUESTION)
    answer = raw.parse()
    assert answer.choices[0].message.content == "¡Hola! 😀" and answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-4o" and answer.object == "chat.completion"
    assert answer.usage and answer.usage.total_tokens == 1100
    assert raw.headers["x-cache"] == "miss" and raw.headers["x-provider"] == "openai"
    assert raw.headers["x-provider-model"] == "gpt-4o"
    assert float(raw.headers["x-response-cost-usd"]) == pytest.approx(0.0035)
    assert float(raw.headers["x-overhead-ms"]) >= 0 and "upstream;dur=" in raw.headers["server-timing"]
    assert answer._request_id == raw.headers["x-request-id"]
    assert "x-fallback-from" not in raw.headers


async def test_the_synchronous_client():
    async with staged(FakeOpenAI(Says("uno"), Says(["d", "os"]))) as stage:

        def ask() -> tuple[str | None, str]:
            with openai.OpenAI(base_url=f"{stage.url}/v1", api_key="any", max_retries=0) as client:
                plain = client.chat.completions.create(model="gpt-4o", messages=QUESTION)
                stream = client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True, seed=1)
                return plain.choices[0].message.content, "".join(c.choices[0].delta.content or "" for c in stream)

        assert await asyncio.to_thread(ask) == ("uno", "dos")


@pytest.mark.parametrize("include_usage", [True, False])
async def test_stream(include_usage: bool):
    async with over(FakeOpenAI(Says(["¡Ho", "la!"]))) as client:
        options: Any = {"stream_options": {"include_usage": True}} if include_usage else {}
        stream = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True, **options)
        chunks = [chunk async for chunk in stream]
    said = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert said == ["¡Ho", "la!"]
    assert chunks[0].choices[0].delta.role == "assistant"
    reported = [chunk.usage for chunk in chunks if chunk.usage]
    assert [usage.total_tokens for usage in reported] == ([13] if include_usage else [])
    assert {chunk.id for chunk in chunks} == {chunks[0].id}


@pytest.mark.parametrize("calls", [CALLS[:1], CALLS], ids=["one", "parallel"])
async def test_tool_calls_plain_and_streamed(calls: list[tuple[str, str, str]]):
    fake = FakeOpenAI(Says("Voy", calls=calls), Says("Voy", calls=calls))
    async with over(fake, CACHE_ENABLED="false") as client:
        plain = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, tools=[ADD])
        async with client.chat.completions.stream(model="gpt-4o", messages=QUESTION, tools=[ADD]) as stream:
            kinds = [event.type async for event in stream]
            streamed = await stream.get_final_completion()
    for answer in (plain, streamed):
        found = answer.choices[0].message.tool_calls or []
        assert [(c.id, c.function.name, c.function.arguments) for c in found if c.type == "function"] == calls
        assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Voy", "tool_calls")
    assert kinds.count("tool_calls.function.arguments.done") == len(calls)


async def test_a_tool_conversation_reaches_the_provider_as_it_was():
    fake = FakeOpenAI(Says(calls=CALLS), Says("3 y 7"))
    async with over(fake) as client:
        asked = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, tools=[ADD])
        turn = asked.choices[0].message
        results: list[Any] = [
            {"role": "tool", "tool_call_id": call.id, "content": str(n)} for n, call in enumerate(turn.tool_calls or ())
        ]
        conversation: list[Any] = [*QUESTION, turn.model_dump(exclude_none=True), *results]
        answer = await client.chat.completions.create(model="gpt-4o", messages=conversation, tools=[ADD])
    assert answer.choices[0].message.content == "3 y 7"
    assert [message["role"] for message in fake.calls[1].body["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [c["function"]["arguments"] for c in fake.calls[1].body["messages"][1]["tool_calls"]] == [
        arguments for _, _, arguments in CALLS
    ]


class Sum(BaseModel):
    total: int


async def test_parsed_answers():
    fake = FakeOpenAI(Says('{"total": 10}'))
    async with over(fake) as client:
        answer = await client.chat.completions.parse(model="gpt-4o", messages=QUESTION, response_format=Sum)
    assert answer.choices[0].message.parsed == Sum(total=10)
    sent = fake.calls[0].body["response_format"]["json_schema"]
    assert sent["name"] == "Sum" and sent["strict"] is True and sent["schema"]["required"] == ["total"]


async def test_several_choices_logprobs_refusals_and_counts():
    logprobs = {"content": [{"token": "x", "logprob": -0.1, "bytes": [120], "top_logprobs": []}], "refusal": None}
    usage = {
        "prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }  # fmt: skip
    script = (Says("x", logprobs=logprobs, usage=usage), Says(refusal="No puedo"))
    async with over(FakeOpenAI(*script)) as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, n=3, logprobs=True)
        refused = await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    found = answer.choices[2].logprobs
    assert found and found.content and found.content[0].token == "x"
    assert answer.usage and answer.usage.prompt_tokens_details and answer.usage.completion_tokens_details
    assert answer.usage.prompt_tokens_details.cached_tokens == 8
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3
    assert refused.choices[0].message.refusal == "No puedo" and refused.choices[0].message.content is None


# --- models ---


async def test_models_are_listed_and_described():
    async with over(FakeOpenAI()) as client:
        listed = {model.id: model async for model in client.models.list()}
        assert listed["gpt-4o"].owned_by == "openai" and "gemini-pro" not in listed
        one = await client.models.retrieve("gpt-4o")
        assert (one.id, one.object, one.created > 0) == ("gpt-4o", "model", True)
        assert (await client.models.retrieve("azure/gpt-4.1")).owned_by == "azure"
        with pytest.raises(openai.NotFoundError, match="LLM 'xxx' not found"):
            await client.models.retrieve("xxx")


# --- errors ---


@pytest.mark.parametrize(
    ("behavior", "error", "code"),
    [
        (Fails(401, "invalid_api_key"), openai.InternalServerError, "upstream_credentials"),
        (Fails(400, "context_length_exceeded"), openai.BadRequestError, "context_length_exceeded"),
        (Fails(404), openai.NotFoundError, "upstream_model_not_found"),
        (Fails(429, retry_after="7"), openai.RateLimitError, "upstream_rate_limited"),
        (Fails(500), openai.InternalServerError, "upstream_unavailable"),
        (Sends([b"<html>"], "text/html"), openai.InternalServerError, "upstream_protocol_error"),
    ],
    ids=["401", "400", "404", "429", "500", "garbage"],
)
async def test_a_providers_failure_is_the_right_exception(behavior: Any, error: type[Exception], code: str):
    async with over(FakeOpenAI(behavior)) as client:
        with pytest.raises(error) as caught:
            await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    raised = caught.value
    assert isinstance(raised, openai.APIStatusError)
    assert raised.code == code and raised.request_id == raised.response.headers["x-request-id"]
    if code == "upstream_rate_limited":
        assert raised.response.headers["retry-after"] == "7"


async def test_our_own_refusals_are_the_right_exceptions():
    async with staged(FakeOpenAI(), AUTH_MODE="keys", API_KEYS="right-key") as stage:
        async with client_of(stage, api_key="wrong") as stranger:
            with pytest.raises(openai.AuthenticationError) as unknown:
                await stranger.chat.completions.create(model="gpt-4o", messages=QUESTION)
        assert unknown.value.code == "invalid_api_key"
        async with client_of(stage, api_key="right-key") as client:
            with pytest.raises(openai.NotFoundError, match="LLM 'xxx' not found") as missing:
                await client.chat.completions.create(model="xxx", messages=QUESTION)
            assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
            with pytest.raises(openai.BadRequestError) as wrong:
                await client.chat.completions.create(model="gpt-4o", messages=QUESTION, temperature=9)
            assert wrong.value.param == "temperature"
            with pytest.raises(openai.InternalServerError, match="GOOGLE_API_KEY"):
                await client.chat.completions.create(model="gemini-pro", messages=QUESTION)


async def test_a_stream_that_breaks_raises():
    chunk = b'data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"Ho"}}]}\n\n'
    async with over(FakeOpenAI(Sends([chunk], then="cut"))) as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True)
        said: list[str | None] = []
        with pytest.raises(openai.APIError) as caught:
            async for piece in stream:
                said.append(piece.choices[0].delta.content)
    assert "".join(text or "" for text in said) == "Ho"
    assert caught.value.code == "upstream_stream_cut"


async def test_closing_a_stream_stops_the_provider():
    fake = FakeOpenAI(Endless(pause=0.01))
    async with over(fake) as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True)
        async for _ in stream:
            break
        await stream.close()
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)


# --- the embedded planner: no key, no network ---


async def test_the_planner_calls_a_tool_and_words_its_result():
    async with offline() as client:
        asked = await client.chat.completions.create(model="offline", messages=QUESTION, tools=[ADD])
        [call] = asked.choices[0].message.tool_calls or []
        assert call.type == "function" and json.loads(call.function.arguments) == {"a": 4, "b": 6}
        turns: list[Any] = [
            *QUESTION,
            asked.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "10"},
        ]
        answer = await client.chat.completions.create(model="offline", messages=turns, tools=[ADD])
    assert "10" in (answer.choices[0].message.content or "") and answer.choices[0].finish_reason == "stop"


async def test_the_planner_streams_the_same():
    async with offline() as client:
        plain = await client.chat.completions.create(model="offline", messages=QUESTION, tools=[ADD])
        async with client.chat.completions.stream(
            model="offline", messages=QUESTION, tools=[ADD], extra_headers={"cache-control": "no-store"}
        ) as stream:
            streamed = await stream.get_final_completion()

    def calls(answer: Any) -> list[tuple[str, str]]:
        return [(call.function.name, call.function.arguments) for call in answer.choices[0].message.tool_calls]

    assert calls(streamed) == calls(plain) and len(calls(plain)) == 1


async def test_a_fresh_machine_answers_named_models_with_the_planner_and_says_so():
    async with offline() as client:
        raw = await client.chat.completions.with_raw_response.create(model="gpt-4o", messages=QUESTION)
        answer = raw.parse()
        assert answer.model == "offline" and answer.model_extra and answer.model_extra["fallback_from"] == "gpt-4o"
        assert raw.headers["x-fallback-from"] == "gpt-4o" and raw.headers["x-provider"] == "offline"
        assert float(raw.headers["x-response-cost-usd"]) == 0
        assert [model.id async for model in client.models.list()] == ["offline"]
