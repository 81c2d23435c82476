"""LangChain's ChatOpenAI against the gateway: it is a base URL away."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from fake_providers import Fails, FakeOpenAI, Says
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.llm_gateway.harness import Stage, gateway, staged


@tool
def add(a: float, b: float) -> float:
    """Adds two numbers. Suma dos números."""
    return a + b


def chat(stage: Stage, model: str = "gpt-4o", **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=f"{stage.url}/v1", api_key=SecretStr("any"), max_retries=0, **options)


async def test_invoke():
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 5}}
    async with staged(FakeOpenAI(Says("¡Hola!", usage=usage))) as stage:
        answer = await chat(stage, temperature=0.5).ainvoke("Hola")
    assert answer.content == "¡Hola!"
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata and answer.usage_metadata["total_tokens"] == 13
    assert answer.usage_metadata.get("input_token_details", {}).get("cache_read") == 5


async def test_stream():
    async with staged(FakeOpenAI(Says(["¡Ho", "la!"]))) as stage:
        chunks = [chunk async for chunk in chat(stage, stream_usage=True).astream("Hola")]
    assert [chunk.content for chunk in chunks if chunk.content] == ["¡Ho", "la!"]
    assert [chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata] == [13]


@pytest.mark.parametrize("streaming", [False, True])
async def test_tools_round_trip(streaming: bool):
    calls = [("call_1", "add", '{"a": 1, "b": 2}'), ("call_2", "add", '{"a": 3, "b": 4}')]
    fake = FakeOpenAI(Says(calls=calls), Says("3 y 7"))
    async with staged(fake) as stage:
        model = chat(stage).bind_tools([add])
        history: list[BaseMessage] = [HumanMessage("Suma 1 y 2, y 3 y 4")]
        asked: AIMessage
        if streaming:
            whole: AIMessageChunk | None = None
            async for chunk in model.astream(history):
                assert isinstance(chunk, AIMessageChunk)
                whole = chunk if whole is None else whole + chunk
            assert whole is not None
            asked = AIMessage(content=whole.content, tool_calls=whole.tool_calls)
        else:
            asked = await model.ainvoke(history)
        assert [(c["id"], c["name"], c["args"]) for c in asked.tool_calls] == [
            ("call_1", "add", {"a": 1, "b": 2}),
            ("call_2", "add", {"a": 3, "b": 4}),
        ]
        results = [ToolMessage(str(add.invoke(call["args"])), tool_call_id=call["id"]) for call in asked.tool_calls]
        answer = await model.ainvoke([*history, asked, *results])
    assert answer.content == "3 y 7"
    assert [m.get("content") for m in fake.calls[1].body["messages"] if m["role"] == "tool"] == ["3.0", "7.0"]


async def test_tools_round_trip_over_the_planner():
    async with gateway() as stage:
        model = chat(stage, "offline").bind_tools([add])
        history: list[BaseMessage] = [HumanMessage("suma 4 y 6")]
        asked = await model.ainvoke(history)
        [call] = asked.tool_calls
        assert (call["name"], call["args"]) == ("add", {"a": 4, "b": 6})
        answer = await model.ainvoke([*history, asked, ToolMessage("10", tool_call_id=call["id"])])
        assert "10" in str(answer.content)
        streamed = [
            chunk async for chunk in model.astream([*history, asked, ToolMessage("10", tool_call_id=call["id"])])
        ]
    assert "".join(str(chunk.content) for chunk in streamed) == answer.content


async def test_errors():
    async with staged(FakeOpenAI(Fails(429, retry_after="7"))) as stage:
        with pytest.raises(openai.RateLimitError):
            await chat(stage).ainvoke("Hola")
        with pytest.raises(openai.NotFoundError, match="LLM 'xxx' not found"):
            await chat(stage, "xxx").ainvoke("Hola")
