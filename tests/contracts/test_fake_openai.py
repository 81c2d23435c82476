"""The fake provider speaks OpenAI's wire format: OpenAI's own client, pointed straight at it, is content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest
from fake_providers import Endless, Fails, FakeOpenAI, Says, Sends, Silent
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from service_kit.testing import running

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hola"}]
TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "add", "description": "Adds", "parameters": {"type": "object", "properties": {}}},
}
CALLS = [("call_1", "add", '{"a": 1, "b": 2}'), ("call_2", "add", '{"a": 3, "b": 4}')]


@asynccontextmanager
async def client_of(fake: FakeOpenAI) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        running(fake) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-right", max_retries=0) as client,
    ):
        yield client
    fake.check()


async def test_plain_answer():
    fake = FakeOpenAI(Says("¡Hola!"))
    async with client_of(fake) as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, temperature=0.5)
    assert answer.choices[0].message.content == "¡Hola!"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage and answer.usage.total_tokens == 13
    assert fake.calls[0].body == {"model": "gpt-4o", "messages": QUESTION, "temperature": 0.5}


async def test_stream_with_usage():
    async with client_of(FakeOpenAI(Says(["¡Ho", "la!"]))) as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert [c.choices[0].delta.content for c in chunks[:-1] if c.choices[0].delta.content] == ["¡Ho", "la!"]
    assert chunks[-1].choices == [] and chunks[-1].usage and chunks[-1].usage.prompt_tokens == 9
    assert chunks[-2].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("calls", [CALLS[:1], CALLS], ids=["one", "parallel"])
async def test_tool_calls_plain_and_streamed(calls: list[tuple[str, str, str]]):
    async with client_of(FakeOpenAI(Says(calls=calls), Says(calls=calls))) as client:
        plain = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, tools=[TOOL])
        async with client.chat.completions.stream(model="gpt-4o", messages=QUESTION, tools=[TOOL]) as stream:
            streamed = await stream.get_final_completion()
    for answer in (plain, streamed):
        found = answer.choices[0].message.tool_calls or []
        assert [(c.id, c.function.name, c.function.arguments) for c in found if c.type == "function"] == calls
        assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("behavior", "error"),
    [
        (Fails(401, "invalid_api_key"), openai.AuthenticationError),
        (Fails(400, "context_length_exceeded", param="messages"), openai.BadRequestError),
        (Fails(404, "model_not_found"), openai.NotFoundError),
        (Fails(429, "rate_limit_exceeded", retry_after="7"), openai.RateLimitError),
        (Fails(500), openai.InternalServerError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_errors_are_those_of_the_api(behavior: Fails, error: type[openai.APIStatusError]):
    async with client_of(FakeOpenAI(behavior)) as client:
        with pytest.raises(error) as caught:
            await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert caught.value.code == behavior.code
    assert caught.value.param == behavior.param
    assert caught.value.response.headers.get("retry-after") == behavior.retry_after


async def test_keys_are_checked():
    async with client_of(FakeOpenAI(Says("sí"), keys=["sk-right"])) as client:
        assert (await client.chat.completions.create(model="m", messages=QUESTION)).choices[0].message.content == "sí"
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="sk-wrong").chat.completions.create(model="m", messages=QUESTION)


async def test_a_cut_stream_breaks_off():
    chunk = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"Ho"}}]}\n\n'
    async with client_of(FakeOpenAI(Sends([chunk], then="cut"))) as client:
        stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        said: list[str | None] = []
        with pytest.raises(openai.APIConnectionError):
            async for piece in stream:
                said.append(piece.choices[0].delta.content)
    assert said == ["Ho"]


async def test_it_notices_that_a_client_leaves():
    fake = FakeOpenAI(Endless(pause=0.01), Silent())
    async with client_of(fake) as client:
        stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        async for _ in stream:
            break
        await stream.close()
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)
        with pytest.raises(openai.APITimeoutError):
            await client.with_options(timeout=0.05).chat.completions.create(model="m", messages=QUESTION)
        await asyncio.wait_for(fake.calls[1].left.wait(), 5)


async def test_it_takes_no_request_that_the_api_would_refuse():
    fake = FakeOpenAI(always=Says("sí"))
    async with running(fake) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError, match="Unrecognized request argument supplied: topp"):
            await client.chat.completions.create(model="m", messages=QUESTION, extra_body={"topp": 1})
        with pytest.raises(openai.BadRequestError, match="must answer a preceding"):
            await client.chat.completions.create(
                model="m", messages=[*QUESTION, {"role": "tool", "tool_call_id": "x", "content": "1"}]
            )
    with pytest.raises(AssertionError, match="Unrecognized"):
        fake.check()


async def test_it_is_loud_about_its_script():
    fake = FakeOpenAI()
    async with running(fake) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="m", messages=QUESTION)
    with pytest.raises(AssertionError, match="not in the script"):
        fake.check()
    with pytest.raises(AssertionError, match="never played: \\['Says'\\]"):
        FakeOpenAI(Says("x")).check()
