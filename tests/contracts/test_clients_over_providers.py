"""OpenAI's own client and LangChain's on chat completions, over providers that speak other languages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from llm_gateway.canonical import Choice, Part, Result, Text, ToolCall, Usage
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel, SecretStr

from tests.llm_gateway.matrix.asking import NUMBERS
from tests.llm_gateway.matrix.cells import PROVIDERS, Provider
from tests.llm_gateway.matrix.stage import Stage, whole_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOREIGN = [provider for provider in PROVIDERS if provider.name in ("anthropic", "google", "aws")]
LACKS: dict[str, dict[str, Any]] = {"anthropic": {"seed": 1}, "google": {"logit_bias": {"1": 2}}, "aws": {"seed": 1}}
EACH = pytest.mark.parametrize("provider", FOREIGN, ids=repr)

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "¿Cuánto es 4 + 6?"}]
ADD: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "add", "description": "Adds two numbers.", "parameters": NUMBERS},
}
CALLS = (
    ToolCall(id="call_1", name="add", arguments='{"a":4,"b":6}'),
    ToolCall(id="call_2", name="add", arguments='{"a":1,"b":2}'),
)
CALLED = [("call_1", "add", '{"a":4,"b":6}'), ("call_2", "add", '{"a":1,"b":2}')]
TEN = '{"total":10}'


def answer(*content: Part) -> Result:
    reason = "tool_calls" if any(isinstance(part, ToolCall) for part in content) else "stop"
    usage = Usage(prompt_tokens=20, cached_tokens=8, completion_tokens=12)
    return Result(choices=(Choice(content=content, finish_reason=reason),), usage=usage)


SAID = answer(Text(text="¡Hola! 😀 Son diez."))
CALLING = answer(Text(text="Voy."), *CALLS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with whole_stage() as one:
        yield one


def base_url(stage: Stage) -> str:
    return f"{str(stage.http.base_url).rstrip('/')}/v1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(stage: Stage) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=base_url(stage), api_key="any", max_retries=0) as one:
        yield one


# --- OpenAI's client ---


@EACH
async def test_plain(stage: Stage, client: openai.AsyncOpenAI, provider: Provider):
    stage.actors[provider.name].says(SAID)
    said = await client.chat.completions.create(model=provider.model, messages=QUESTION, max_tokens=100)
    assert (said.choices[0].message.content, said.choices[0].finish_reason) == ("¡Hola! 😀 Son diez.", "stop")
    assert said.usage and said.usage.prompt_tokens_details
    assert (said.usage.prompt_tokens, said.usage.completion_tokens, said.usage.total_tokens) == (20, 12, 32)
    assert said.usage.prompt_tokens_details.cached_tokens == 8


@EACH
async def test_the_synchronous_client(stage: Stage, provider: Provider):
    stage.actors[provider.name].says(SAID)

    def ask() -> tuple[str | None, str]:
        with openai.OpenAI(base_url=base_url(stage), api_key="any", max_retries=0) as one:
            plain = one.chat.completions.create(model=provider.model, messages=QUESTION)
            stream = one.chat.completions.create(model=provider.model, messages=QUESTION, stream=True)
            return plain.choices[0].message.content, "".join(c.choices[0].delta.content or "" for c in stream)

    assert await asyncio.to_thread(ask) == ("¡Hola! 😀 Son diez.",) * 2


@EACH
async def test_stream(stage: Stage, client: openai.AsyncOpenAI, provider: Provider):
    stage.actors[provider.name].says(SAID)
    stream = await client.chat.completions.create(
        model=provider.model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(said) > 1 and "".join(said) == "¡Hola! 😀 Son diez."
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [32]


@EACH
async def test_tools_by_the_streaming_helper_and_back_again(
    stage: Stage, client: openai.AsyncOpenAI, provider: Provider
):
    actor = stage.actors[provider.name]
    actor.says(CALLING)
    async with client.chat.completions.stream(model=provider.model, messages=QUESTION, tools=[ADD]) as stream:
        kinds = [event.type async for event in stream]
        asked = await stream.get_final_completion()
    turn = asked.choices[0].message
    found = [(call.id, call.function.name, call.function.arguments) for call in turn.tool_calls or ()]
    assert (found, turn.content, asked.choices[0].finish_reason) == (CALLED, "Voy.", "tool_calls")
    assert kinds.count("tool_calls.function.arguments.done") == 2
    actor.says(SAID)
    results: list[Any] = [{"role": "tool", "tool_call_id": id_, "content": "10"} for id_, _, _ in found]
    turns: list[Any] = [*QUESTION, turn.model_dump(exclude_none=True), *results]
    done = await client.chat.completions.create(model=provider.model, messages=turns, tools=[ADD])
    assert done.choices[0].message.content == "¡Hola! 😀 Son diez."


class Sum(BaseModel):
    total: int


@EACH
async def test_parsed_answers(stage: Stage, client: openai.AsyncOpenAI, provider: Provider):
    stage.actors[provider.name].says_json(TEN, answer(Text(text=TEN)))
    parsed = await client.chat.completions.parse(model=provider.model, messages=QUESTION, response_format=Sum)
    assert parsed.choices[0].message.parsed == Sum(total=10)
    async with client.chat.completions.stream(model=provider.model, messages=QUESTION, response_format=Sum) as stream:
        streamed = await stream.get_final_completion()
    assert streamed.choices[0].message.parsed == Sum(total=10)


@EACH
async def test_failures_are_the_right_exceptions(stage: Stage, client: openai.AsyncOpenAI, provider: Provider):
    actor = stage.actors[provider.name]
    for status, expected, wait in (
        (400, openai.BadRequestError, None), (429, openai.RateLimitError, "7"), (500, openai.InternalServerError, "1"),
    ):  # fmt: skip
        actor.fails(status, "7" if status == 429 else None)
        with pytest.raises(expected) as caught:
            await client.chat.completions.create(model=provider.model, messages=QUESTION)
        assert isinstance(caught.value, openai.APIStatusError)
        assert caught.value.response.headers.get("retry-after") == wait
        stage.clock.next_day()


@EACH
async def test_what_a_provider_lacks_is_named(stage: Stage, client: openai.AsyncOpenAI, provider: Provider):
    [lacking] = LACKS[provider.name]
    before = len(stage.actors[provider.name].fake.calls)
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model=provider.model, messages=QUESTION, **LACKS[provider.name])
    assert (caught.value.param, caught.value.code) == (lacking, "unsupported_parameter")
    assert len(stage.actors[provider.name].fake.calls) == before


@EACH
async def test_a_stream_that_dies_raises(stage: Stage, client: openai.AsyncOpenAI, provider: Provider):
    stage.actors[provider.name].breaks(answer(Text(text="primero segundo tercero")), "tercero", "cut")
    stream = await client.chat.completions.create(model=provider.model, messages=QUESTION, stream=True)
    said: list[str] = []
    with pytest.raises(openai.APIError) as caught:
        async for chunk in stream:
            said.append(chunk.choices[0].delta.content or "")
    assert "primero" in "".join(said) and caught.value.code == "upstream_stream_cut"
    stage.clock.next_day()


# --- LangChain ---


@tool
def add(a: float, b: float) -> float:
    """Adds two numbers."""
    return a + b


def chat(stage: Stage, provider: Provider, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(
        model=provider.model, base_url=base_url(stage), api_key=SecretStr("any"), max_retries=0, **options
    )


@EACH
async def test_langchain_invokes_and_streams(stage: Stage, provider: Provider):
    stage.actors[provider.name].says(SAID)
    said = await chat(stage, provider).ainvoke("Hola")
    assert said.content == "¡Hola! 😀 Son diez."
    assert isinstance(said, AIMessage) and said.usage_metadata and said.usage_metadata["total_tokens"] == 32
    whole: BaseMessage | None = None
    async for chunk in chat(stage, provider, stream_usage=True).astream("Hola"):
        whole = chunk if whole is None else whole + chunk  # type: ignore[assignment, operator]
    assert isinstance(whole, AIMessageChunk) and whole.content == said.content
    assert whole.usage_metadata and whole.usage_metadata["total_tokens"] == 32


@EACH
async def test_langchain_loops_over_tools(stage: Stage, provider: Provider):
    actor, model = stage.actors[provider.name], chat(stage, provider).bind_tools([add])
    actor.says(CALLING)
    asked = await model.ainvoke("Suma")
    assert isinstance(asked, AIMessage)
    assert [(call["id"], call["name"], call["args"]) for call in asked.tool_calls] == [
        ("call_1", "add", {"a": 4, "b": 6}), ("call_2", "add", {"a": 1, "b": 2}),
    ]  # fmt: skip
    results = [ToolMessage(str(add.invoke(call["args"])), tool_call_id=call["id"]) for call in asked.tool_calls]
    actor.says(SAID)
    done = await model.ainvoke([HumanMessage("Suma"), asked, *results])
    assert done.content == "¡Hola! 😀 Son diez."


@EACH
async def test_langchain_gets_structured_output(stage: Stage, provider: Provider):
    stage.actors[provider.name].says_json(TEN, answer(Text(text=TEN)))
    assert await chat(stage, provider).with_structured_output(Sum).ainvoke("¿4 + 6?") == Sum(total=10)
