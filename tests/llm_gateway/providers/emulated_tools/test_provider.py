"""Tools for a model that has none, through the whole gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fake_providers import Endless, FakeOpenAI, Says, Sends
from llm_gateway.catalog.models import Model
from llm_gateway.providers.embedded import EmbeddedProvider
from llm_gateway.providers.emulated_tools.provider import EmulatedTools
from openai import AsyncOpenAI
from service_kit.testing import running

from tests.llm_gateway import values
from tests.llm_gateway.harness import Stage, error_of, gateway

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    },
}
CALL = '{"tool_calls":[{"name":"add","arguments":{"a":1}}]}'
PIECES = [CALL[:5], CALL[5:20], CALL[20:]]


@asynccontextmanager
async def local(fake: FakeOpenAI) -> AsyncIterator[Stage]:
    """A gateway whose model `local` is `fake`."""
    async with running(fake) as url, gateway(LOCAL_MODEL_URL=f"{url}/v1", CACHE_ENABLED="false") as stage:
        yield stage
    fake.check()


def events_of(text: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return [msgspec.json.decode(line) for line in lines]


async def test_a_call_is_read_out_of_the_answer_and_marked():
    fake = FakeOpenAI(Says(CALL))
    async with local(fake) as stage:
        answer = await stage.chat(model="local", tools=[TOOL])
    assert (answer.status_code, answer.headers["x-tools"]) == (200, "emulated")
    choice = answer.json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
    [call] = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "add", "arguments": '{"a":1}'} and call["id"].startswith("call_")
    sent = fake.calls[0].body
    assert "tools" not in sent and "tool_choice" not in sent
    assert sent["response_format"]["type"] == "json_schema" and '"add"' in sent["messages"][0]["content"]


async def test_so_is_a_streamed_one():
    async with local(FakeOpenAI(Says(PIECES))) as stage:
        answer = await stage.chat(model="local", tools=[TOOL], tool_choice="required", stream=True)
    assert answer.headers["x-tools"] == "emulated"
    choices = [chunk["choices"][0] for chunk in events_of(answer.text) if chunk["choices"]]
    calls = [call for choice in choices for call in choice["delta"].get("tool_calls") or ()]
    assert calls[0]["function"]["name"] == "add"
    assert "".join(call["function"].get("arguments") or "" for call in calls) == '{"a":1}'
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["tool_calls"]


async def test_an_answer_without_a_call_is_unwrapped():
    pieces = ['{"answer"', ': "Hol', "a \\u00", 'f1"}']
    async with local(FakeOpenAI(Says(pieces), Says(pieces))) as stage:
        plain = await stage.chat(model="local", tools=[TOOL])
        streamed = await stage.chat(model="local", tools=[TOOL], stream=True)
    message = plain.json()["choices"][0]
    assert (message["message"]["content"], message["finish_reason"]) == ("Hola ñ", "stop")
    deltas = [chunk["choices"][0]["delta"].get("content") for chunk in events_of(streamed.text) if chunk["choices"]]
    assert "".join(filter(None, deltas)) == "Hola ñ"


async def test_the_official_client_goes_the_whole_way():
    fake = FakeOpenAI(Says(CALL), Says('{"answer":"It is 2."}'))
    async with local(fake) as stage, AsyncOpenAI(base_url=f"{stage.url}/v1", api_key="k", max_retries=0) as client:
        messages: list[Any] = [{"role": "user", "content": "1?"}]
        first = await client.chat.completions.create(model="local", messages=messages, tools=[TOOL])  # type: ignore[list-item]
        message = first.choices[0].message
        assert message.tool_calls
        messages += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "2"}]
        last = await client.chat.completions.create(model="local", messages=messages, tools=[TOOL])  # type: ignore[list-item]
    assert last.choices[0].message.content == "It is 2."
    assert [message["role"] for message in fake.calls[1].body["messages"]] == ["system", "user", "assistant", "user"]


ADD = TOOL["function"]
SURFACES: dict[str, tuple[dict[str, Any], bytes]] = {
    "/mcp/llm/generate": ({"messages": [{"role": "user", "content": "1?"}], "tools": [TOOL]}, b'"args":{"a":1}'),
    "/v1/messages": (
        {
            "messages": [{"role": "user", "content": "1?"}], "max_tokens": 50,
            "tools": [{"name": "add", "input_schema": ADD["parameters"]}],
        },
        b'"stop_reason":"tool_use"',
    ),
    "/v1/responses": (
        {"input": "1?", "tools": [{"type": "function", "name": "add", "parameters": ADD["parameters"]}]},
        b'"type":"function_call"',
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize("stream", [False, True])
async def test_every_surface_has_them(path: str, stream: bool):
    body, sign = SURFACES[path]
    async with local(FakeOpenAI(Says(PIECES))) as stage:
        answer = await stage.http.post(path, json={"model": "local", "stream": stream, **body})
    assert (answer.status_code, answer.headers["x-tools"]) == (200, "emulated")
    assert sign in answer.content and b"tool_calls\\" not in answer.content


async def test_without_tools_nothing_is_touched():
    async with local(fake := FakeOpenAI(Says(CALL))) as stage:
        answer = await stage.chat(model="local")
    assert answer.json()["choices"][0]["message"]["content"] == CALL
    assert "x-tools" not in answer.headers and "response_format" not in fake.calls[0].body


async def test_what_cannot_be_emulated_is_a_400_that_names_it():
    async with local(FakeOpenAI()) as stage:
        plain = await stage.chat(model="local", tools=[TOOL], logprobs=True)
        streamed = await stage.chat(model="local", tools=[TOOL], logprobs=True, stream=True)
    for refused in (plain, streamed):
        assert refused.status_code == 400
        error = error_of(refused)
        assert (error["code"], error["param"]) == ("unsupported_parameter", "logprobs")


async def test_a_stream_that_breaks_in_a_call_is_no_call():
    chunk = next(iter(Says(CALL[:30]).chunks({"model": "m"})))
    begun = msgspec.json.encode({**chunk, "choices": [{"index": 0, "delta": {"content": CALL[:30]}}]})
    async with local(FakeOpenAI(Sends([b"data: " + begun + b"\n\n"], then="cut"))) as stage:
        answer = await stage.chat(model="local", tools=[TOOL], stream=True)
    assert answer.status_code != 200 or "upstream_stream_cut" in answer.text
    assert "tool_calls" not in answer.text


async def test_a_client_that_leaves_ends_the_call():
    async with local(fake := FakeOpenAI(Endless(text="más "))) as stage:
        body = {"model": "local", "messages": [{"role": "user", "content": "x"}], "tools": [TOOL], "stream": True}
        async with stage.http.stream("POST", "/v1/chat/completions", json=body) as answer:
            await anext(answer.aiter_lines())
        await (await fake.call()).left.wait()


@pytest.mark.parametrize("supports", ["[tools, stream]", "[]"])
async def test_a_model_with_tools_of_its_own_gets_them(tmp_path: Path, supports: str):
    file = tmp_path / "catalog.yaml"
    async with running(fake := FakeOpenAI(Says(calls=[("id", "add", '{"a": 1}')]))) as url:
        file.write_text(
            f"providers: {{mine: {{base_url: '{url}/v1', free: true}}, offline: {{dialect: offline, free: true}}}}\n"
            f"models:\n  - {{name: m, provider: mine, id: m, supports: {supports}}}\n"
            "  - {name: offline, provider: offline, id: offline-planner}\n"
        )
        async with gateway(CATALOG_FILE=str(file)) as stage:
            answer = await stage.chat(model="m", tools=[TOOL])
    assert answer.json()["choices"][0]["message"]["tool_calls"][0]["id"] == "id"
    assert "tools" in fake.calls[0].body and "x-tools" not in answer.headers


async def test_the_list_says_that_they_are_emulated():
    async with gateway() as stage:
        rows = {row["name"]: row for row in (await stage.http.get("/mcp/llm/list")).json()["llms"]}
    assert "emulated_tools" in rows["local"]["supports"] and "tools" not in rows["local"]["supports"]


class Mute(EmbeddedProvider):
    """A provider whose dialect has no word for tools."""

    def carries(self, model: Model) -> frozenset[str]:
        return frozenset({"stop", "seed"})


def test_tools_can_be_said_to_a_model_whose_dialect_cannot_say_them():
    emulated = EmulatedTools(Mute())
    assert emulated.carries(values.model(supports=("tools",))) == {"stop", "seed"}
    carried = emulated.carries(values.model(supports=("emulated_tools",)))
    assert carried == {"stop", "seed", "tools", "tool_choice", "parallel_tool_calls"}
