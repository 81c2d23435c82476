"""OpenAI's client with Azure, OpenRouter and Ollama: straight at the fakes, then through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import openai
import pytest
from fake_providers import (
    AzureFilters,
    AzureSays,
    Embeds,
    Fails,
    FakeAzure,
    FakeOllama,
    FakeOpenAI,
    FakeOpenRouter,
    OllamaSays,
    OpenRouterSays,
    Says,
)
from fake_providers.embeds import vector_of
from llm_gateway.surfaces.http.schemas.chat import ChatCompletion
from openai.types.chat import ChatCompletionMessageParam
from service_kit.testing import running

from tests.llm_gateway.harness import gateway
from tests.llm_gateway.surfaces.http.test_schemas import strictly

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hola"}]
ADD: Any = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
CALLS = [("call_1", "add", '{"a":1}'), ("call_2", "add", '{"a":2}')]
DETAILS: list[dict[str, Any]] = [
    {
        "type": "reasoning.text", "text": "Pienso, luego existo", "signature": "ErUB+/=", "index": 0,
        "format": "anthropic-claude-v1",
    },
    {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "format": "anthropic-claude-v1", "index": 1},
]  # fmt: skip


@asynccontextmanager
async def through(fake: FakeOpenAI, variable: str, path: str = "", **environ: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        running(fake) as url,
        gateway(**{variable: f"{url}{path}", "CACHE_ENABLED": "false", **environ}) as stage,
        openai.AsyncOpenAI(base_url=f"{stage.url}/v1", api_key="any", max_retries=0) as client,
    ):
        yield client
    fake.check()


def azure(fake: FakeOpenAI, **credentials: str):
    return through(fake, "AZURE_ENDPOINT", **(credentials or {"AZURE_API_KEY": "az"}))


def openrouter(fake: FakeOpenAI):
    return through(fake, "OPENROUTER_BASE_URL", "/v1", OPENROUTER_API_KEY="or")


def ollama(fake: FakeOpenAI):
    return through(fake, "OLLAMA_HOST")


# --- the fakes themselves ---


@asynccontextmanager
async def azure_client(fake: FakeAzure, **credentials: Any) -> AsyncIterator[openai.AsyncAzureOpenAI]:
    async with (
        running(fake) as url,
        openai.AsyncAzureOpenAI(
            azure_endpoint=url, api_version="2024-10-21", max_retries=0, **(credentials or {"api_key": "az"})
        ) as client,
    ):
        yield client


@pytest.mark.parametrize("credentials", [{"api_key": "az"}, {"azure_ad_token": "az"}], ids=str)
async def test_azures_own_client_is_content_with_the_fake(credentials: dict[str, str]):
    fake = FakeAzure(AzureSays("¡Hola!"), AzureSays(["¡Ho", "la!"]), Embeds(), keys=["az"])
    async with azure_client(fake, **credentials) as client:
        plain = await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        stream = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True)
        chunks = [chunk async for chunk in stream]
        vectors = await client.embeddings.create(model="text-embedding-3-small", input="uno")
    assert plain.choices[0].message.content == "¡Hola!" and vectors.data[0].embedding == vector_of("uno")
    assert chunks[0].choices == [] and "".join(c.choices[0].delta.content or "" for c in chunks[1:]) == "¡Hola!"
    assert fake.calls[0].path == "/openai/deployments/gpt-4o/chat/completions"
    assert fake.calls[0].query == "api-version=2024-10-21"
    fake.check()


async def test_azure_refuses_as_azure_does():
    fake = FakeAzure(AzureFilters(), keys=["az"])
    fake.deployments = frozenset({"gpt-4o"})
    async with azure_client(fake) as client:
        with pytest.raises(openai.NotFoundError) as missing:
            await client.chat.completions.create(model="gpt-9", messages=QUESTION)
        with pytest.raises(openai.BadRequestError) as filtered:
            await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert (missing.value.code, filtered.value.code) == ("DeploymentNotFound", "content_filter")
    async with azure_client(fake, api_key="wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    async with running(fake) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="az", max_retries=0) as stranger:
        with pytest.raises(openai.NotFoundError):
            await stranger.chat.completions.create(model="gpt-4o", messages=QUESTION)


async def test_openrouters_fake_streams_comments_details_cost_and_errors():
    fake = FakeOpenRouter(
        OpenRouterSays("Hola", details=DETAILS, cost=0.0123),
        OpenRouterSays("Ho", fails_with={"code": 502, "message": "Provider disconnected"}),
    )
    async with running(fake) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        options: Any = {"stream": True, "stream_options": {"include_usage": True}}
        stream = await client.chat.completions.create(model="m", messages=QUESTION, **options)
        chunks = [chunk async for chunk in stream]
        with pytest.raises(openai.APIError, match="Provider disconnected"):
            broken = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
            async for _ in broken:
                pass
    assert chunks[-1].usage and chunks[-1].usage.model_dump()["cost"] == 0.0123
    pieces = [p for c in chunks if c.choices for p in c.choices[0].delta.model_dump().get("reasoning_details") or ()]
    assert [piece.get("text") or piece.get("signature") or piece.get("data") for piece in pieces] == [
        "Pienso, lu", "ego existo", "ErUB+/=", "gAAA",
    ]  # fmt: skip


async def test_ollamas_fake_gives_whole_calls_at_one_index():
    fake = FakeOllama(OllamaSays(calls=CALLS), OllamaSays("Hola", reasoning="hm"))
    async with running(fake) as url, openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        stream = await client.chat.completions.create(model="m", messages=QUESTION, tools=[ADD], stream=True)
        calls = [call async for chunk in stream for call in chunk.choices[0].delta.tool_calls or ()]
        plain = await client.chat.completions.create(model="m", messages=QUESTION)
    assert [(call.index, call.id) for call in calls] == [(0, "call_1"), (0, "call_2")]
    assert plain.choices[0].message.model_dump()["reasoning"] == "hm"


# --- through the gateway ---


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ({"AZURE_API_KEY": "az"}, ("api-key", "az")),
        ({"AZURE_AD_TOKEN": "eyJ0"}, ("authorization", "Bearer eyJ0")),
        ({"AZURE_API_KEY": "az", "AZURE_AD_TOKEN": "eyJ0"}, ("authorization", "Bearer eyJ0")),
    ],
    ids=["key", "token", "both"],
)
async def test_azure_with_a_key_and_with_a_token(credentials: dict[str, str], header: tuple[str, str]):
    fake = FakeAzure(AzureSays("¡Hola!"), AzureSays(["¡Ho", "la!"]), Embeds(), keys=["az", "eyJ0"])
    async with azure(fake, **credentials) as client:
        plain = await client.chat.completions.create(model="azure/gpt-4o", messages=QUESTION, max_tokens=9)
        stream = await client.chat.completions.create(model="azure/gpt-4o", messages=QUESTION, stream=True)
        said = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]
        vectors = await client.embeddings.create(model="azure/text-embedding-3-small", input=[[1, 2]])
    assert plain.choices[0].message.content == "".join(text or "" for text in said) == "¡Hola!"
    assert vectors.data[0].embedding == vector_of([1, 2])
    assert [call.path.rsplit("/", 2)[-2:] for call in fake.calls][2] == ["text-embedding-3-small", "embeddings"]
    for call in fake.calls:
        shown = {name: call.headers[name] for name in ("api-key", "authorization") if name in call.headers}
        assert shown == dict([header]) and call.query.startswith("api-version=")
    assert fake.calls[0].body["max_completion_tokens"] == 9


@pytest.mark.parametrize(
    ("behavior", "error", "code"),
    [
        (AzureFilters(), openai.BadRequestError, "content_policy_violation"),
        (Fails(404, "DeploymentNotFound"), openai.NotFoundError, "upstream_model_not_found"),
        (Fails(401, "401"), openai.InternalServerError, "upstream_credentials"),
    ],
    ids=["filter", "deployment", "key"],
)
async def test_azures_refusals_are_told_as_ours(behavior: Any, error: type[openai.APIStatusError], code: str):
    async with azure(FakeAzure(behavior)) as client:
        with pytest.raises(error) as caught:
            await client.chat.completions.create(model="azure/gpt-4o", messages=QUESTION)
    assert caught.value.code == code


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
async def test_openrouters_thoughts_go_back_as_they_came(streamed: bool):
    fake = FakeOpenRouter(OpenRouterSays("Voy", calls=CALLS[:1], details=DETAILS, cost=0.25), OpenRouterSays("Ya"))
    async with openrouter(fake) as client:
        model = "openrouter/anthropic/claude-sonnet-4.5"
        if streamed:
            turn = await put_together(client, model)
        else:
            raw = await client.chat.completions.with_raw_response.create(model=model, messages=QUESTION, tools=[ADD])
            strictly(msgspec.json.decode(raw.content), ChatCompletion)
            answer = raw.parse()
            assert answer.usage and answer.usage.model_dump()["cost_usd"] == 0.25
            turn = answer.choices[0].message.model_dump(exclude_none=True)
        assert turn["reasoning_content"] == DETAILS[0]["text"]
        history: Any = [*QUESTION, turn, {"role": "tool", "tool_call_id": "call_1", "content": "2"}]
        await client.chat.completions.create(model=model, messages=history, tools=[ADD])
    assert fake.calls[1].body["messages"][1]["reasoning_details"] == DETAILS
    assert "reasoning_content" not in fake.calls[1].body["messages"][1]


async def put_together(client: openai.AsyncOpenAI, model: str) -> dict[str, Any]:
    """The assistant's turn that a client makes of a stream."""
    turn: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": "", "reasoning_details": []}
    async with client.chat.completions.stream(model=model, messages=QUESTION, tools=[ADD]) as stream:
        async for event in stream:
            if event.type == "chunk" and event.chunk.choices:
                delta = event.chunk.choices[0].delta.model_dump()
                turn["reasoning_content"] += delta.get("reasoning_content") or ""
                turn["reasoning_details"] += delta.get("reasoning_details") or []
        final = await stream.get_final_completion()
    calls = [call.model_dump(include={"id", "type"}) for call in final.choices[0].message.tool_calls or ()]
    for call, whole in zip(calls, final.choices[0].message.tool_calls or (), strict=True):
        call["function"] = {"name": whole.function.name, "arguments": whole.function.arguments}
    return {**turn, "content": final.choices[0].message.content, "tool_calls": calls}


async def test_another_providers_thoughts_stay_behind():
    fake = FakeOpenRouter(Says("Ya"))
    foreign = [{"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1", "index": 0}]
    turn: Any = {"role": "assistant", "content": "x", "reasoning_details": foreign}
    async with openrouter(fake) as client:
        await client.chat.completions.create(
            model="openrouter/anthropic/claude-sonnet-4.5", messages=[*QUESTION, turn, *QUESTION]
        )
    assert fake.calls[0].body["messages"][1] == {"role": "assistant", "content": "x"}


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"reasoning_effort": "high"}, {"effort": "high"}),
        ({"extra_body": {"reasoning": {"effort": "low"}}}, {"effort": "low"}),
        ({"extra_body": {"reasoning": {"max_tokens": 2000}}}, {"max_tokens": 2000}),
        ({"extra_body": {"reasoning": {"enabled": False}}}, {"enabled": False}),
    ],
    ids=str,
)
async def test_how_much_to_think_in_openrouters_words(asked: dict[str, Any], sent: dict[str, Any]):
    fake = FakeOpenRouter(OpenRouterSays("x"))
    async with openrouter(fake) as client:
        await client.chat.completions.create(model="openrouter/anthropic/claude-sonnet-4.5", messages=QUESTION, **asked)
    assert fake.calls[0].body["reasoning"] == sent and "reasoning_effort" not in fake.calls[0].body


async def test_openrouters_failure_midway_ends_the_stream_with_an_error():
    fake = FakeOpenRouter(OpenRouterSays(["Ho", "la"], fails_with={"code": 502, "message": "secret words"}, pause=0.02))
    async with openrouter(fake) as client:
        stream = await client.chat.completions.create(
            model="openrouter/anthropic/claude-sonnet-4.5", messages=QUESTION, stream=True
        )
        with pytest.raises(openai.APIError) as caught:
            async for _ in stream:
                pass
    assert caught.value.code == "upstream_unavailable" and "secret" not in str(caught.value)


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
async def test_ollamas_calls_and_thoughts(streamed: bool):
    fake = FakeOllama(OllamaSays("Voy", calls=CALLS, reasoning="hm"))
    async with ollama(fake) as client:
        asked: Any = {"model": "ollama/llama3.2:1b", "messages": QUESTION, "tools": [ADD]}
        if streamed:
            async with client.chat.completions.stream(**asked) as stream:
                answer: Any = await stream.get_final_completion()
        else:
            answer = await client.chat.completions.create(**asked)
    calls = answer.choices[0].message.tool_calls
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == CALLS
    assert answer.choices[0].finish_reason == "tool_calls" and "authorization" not in fake.calls[0].headers


async def test_ollamas_embeddings_are_of_texts_alone():
    fake = FakeOllama(Embeds())
    async with ollama(fake) as client:
        answer = await client.embeddings.create(model="ollama/nomic-embed-text", input=["uno"])
        with pytest.raises(openai.BadRequestError, match="not token ids"):
            await client.embeddings.create(model="ollama/nomic-embed-text", input=[1, 2])
    assert answer.data[0].embedding == vector_of("uno") and "encoding_format" not in fake.calls[0].body


async def test_a_synchronous_azure_client_is_content_too():
    fake = FakeAzure(AzureSays("Hola"), keys=["az"])
    async with running(fake) as url:

        def ask() -> str | None:
            with openai.AzureOpenAI(azure_endpoint=url, api_version="2024-10-21", api_key="az") as client:
                return client.chat.completions.create(model="d", messages=QUESTION).choices[0].message.content

        assert await asyncio.to_thread(ask) == "Hola"
