"""What our encoder sends equals what Anthropic's own client sends for the same call.

Both are caught at the fake, which takes them as Anthropic would. The bodies are equal but for what each conversation
lists in `differs`, as (the client's, ours). Of the headers those are compared that mean something to the API:

* `anthropic-version`: the client pins 2026-10-21, the first version without `temperature`, `top_p` and `top_k`. We
  stay with 2023-06-01, which has them for the models that still take them; for all else here the two are the same.
* the key: the client sends `Authorization: Bearer`, we send `x-api-key`. Both are documented.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import anthropic
import pytest
from fake_providers.anthropic import FakeAnthropic, Says
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer
from llm_gateway.net.transport import Transport
from llm_gateway.providers.http import HttpProvider
from service_kit.testing import running

from tests.llm_gateway import values

client = AnthropicClient()

MODEL = "claude-haiku-4-5"
ASK = {"role": "user", "content": "¿Qué tal? 😀"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"], "additionalProperties": False}
TOOL = {"name": "add", "description": "Adds", "input_schema": SCHEMA}
CHAT_TOOL = {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": SCHEMA}}
DATA = "aGk="


def chat_call(id_: str, arguments: str = '{"a": 1.0}') -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": "add", "arguments": arguments}}


def use(id_: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "add", "input": arguments or {"a": 1.0}}


def result(id_: str, content: Any, **rest: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": content, **rest}


def text(words: str, **rest: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **rest}


@dataclass(frozen=True)
class Conversation:
    """One call: as a client of OpenAI's API asks us, and as one of Anthropic's client asks Anthropic."""

    asked: dict[str, Any]
    theirs: dict[str, Any]
    differs: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    model: str = MODEL


FIVE = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
ANSWER = {"name": "answer", "schema": SCHEMA, "strict": True}

CONVERSATIONS: dict[str, Conversation] = {
    "one question": Conversation({"messages": [ASK]}, {"messages": [ASK]}),
    "a system prompt": Conversation(
        {"messages": [{"role": "system", "content": "Sé breve"}, ASK]}, {"system": "Sé breve", "messages": [ASK]}
    ),
    "two system prompts": Conversation(
        {"messages": [{"role": "system", "content": "Uno"}, {"role": "developer", "content": "Dos"}, ASK]},
        {"system": [text("Uno"), text("Dos")], "messages": [ASK]},
    ),
    "a system message in the middle, for a model that knows none": Conversation(
        {"messages": [ASK, {"role": "system", "content": "En inglés"}]}, {"system": "En inglés", "messages": [ASK]}
    ),
    "a system message in the middle, in its place": Conversation(
        {"messages": [ASK, {"role": "system", "content": "En inglés"}]},
        {"messages": [ASK, {"role": "system", "content": "En inglés"}]},
        model="claude-opus-4-8",
    ),
    "several turns": Conversation(
        {"messages": [ASK, {"role": "assistant", "content": "Bien"}, ASK], "stop": ["FIN"]},
        {"messages": [ASK, {"role": "assistant", "content": "Bien"}, ASK], "stop_sequences": ["FIN"]},
    ),
    "turns of one side": Conversation(
        {"messages": [ASK, {"role": "user", "content": "Otra"}]},
        {"messages": [{"role": "user", "content": [text(ASK["content"]), text("Otra")]}]},
    ),
    "sampling": Conversation(
        {"messages": [ASK], "temperature": 0.5}, {"messages": [ASK]}, {"temperature": (None, 0.5)}
    ),
    "an image by address": Conversation(
        {
            "messages": [
                {"role": "user", "content": [text("¿Qué es?"), {"type": "image_url", "image_url": {"url": "https://x"}}]}
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [text("¿Qué es?"), {"type": "image", "source": {"type": "url", "url": "https://x"}}],
                }
            ]
        },
    ),
    "an image in the request": Conversation(
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}
                    ],
                }
            ]
        },
    ),
    "tools": Conversation(
        {"messages": [ASK], "tools": [CHAT_TOOL], "tool_choice": "auto"},
        {"messages": [ASK], "tools": [TOOL], "tool_choice": {"type": "auto"}},
    ),
    "a strict tool, forced": Conversation(
        {
            "messages": [ASK],
            "tools": [{"type": "function", "function": {**CHAT_TOOL["function"], "strict": True}}],
            "tool_choice": {"type": "function", "function": {"name": "add"}},
        },
        {
            "messages": [ASK],
            "tools": [{**TOOL, "strict": True}],
            "tool_choice": {"type": "tool", "name": "add"},
        },
    ),
    "any tool, one at a time": Conversation(
        {"messages": [ASK], "tools": [CHAT_TOOL], "tool_choice": "required", "parallel_tool_calls": False},
        {
            "messages": [ASK],
            "tools": [TOOL],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        },
    ),
    "one tool at a time": Conversation(
        {"messages": [ASK], "tools": [CHAT_TOOL], "parallel_tool_calls": False},
        {
            "messages": [ASK],
            "tools": [TOOL],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
    ),
    "no tool now": Conversation(
        {"messages": [ASK], "tools": [CHAT_TOOL], "tool_choice": "none"},
        {"messages": [ASK], "tools": [TOOL], "tool_choice": {"type": "none"}},
    ),
    "parallel calls and their results": Conversation(
        {
            "messages": [
                ASK,
                {"role": "assistant", "content": "Voy", "tool_calls": [chat_call("a"), chat_call("b", "{}")]},
                {"role": "tool", "tool_call_id": "a", "content": "3"},
                {"role": "tool", "tool_call_id": "b", "content": "4"},
                {"role": "user", "content": "¿Y bien?"},
            ],
            "tools": [CHAT_TOOL],
        },
        {
            "messages": [
                ASK,
                {"role": "assistant", "content": [text("Voy"), use("a"), {**use("b"), "input": {}}]},
                {"role": "user", "content": [result("a", "3"), result("b", "4"), text("¿Y bien?")]},
            ],
            "tools": [TOOL],
        },
    ),
    "a call whose arguments are no JSON": Conversation(
        {
            "messages": [
                ASK,
                {"role": "assistant", "content": None, "tool_calls": [chat_call("call:1", '{"a": ')]},
                {"role": "tool", "tool_call_id": "call:1", "content": "no"},
            ],
            "tools": [CHAT_TOOL],
        },
        {
            "messages": [
                ASK,
                {"role": "assistant", "content": [use("call_1-0af63155", arguments='{"a": ')]},
                {"role": "user", "content": [result("call_1-0af63155", "no")]},
            ],
            "tools": [TOOL],
        },
    ),
    "caching marks": Conversation(
        {
            "messages": [
                {"role": "system", "content": [text("Largo", **HOUR)]},
                {"role": "user", "content": [text("Pregunta", **FIVE)]},
            ]
        },
        {
            "system": [text("Largo", **HOUR)],
            "messages": [{"role": "user", "content": [text("Pregunta", **FIVE)]}],
        },
    ),
    "a schema": Conversation(
        {"messages": [ASK], "response_format": {"type": "json_schema", "json_schema": ANSWER}},
        {"messages": [ASK], "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    ),
    "thinking within a budget": Conversation(
        {"messages": [ASK], "reasoning_effort": "low", "max_tokens": 10_000},
        {"messages": [ASK], "thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 10_000},
    ),
    "thinking as it sees fit": Conversation(
        {"messages": [ASK], "reasoning_effort": "high"},
        {"messages": [ASK], "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        model="claude-opus-4-8",
    ),
    "the user": Conversation(
        {"messages": [ASK], "user": "u-1"}, {"messages": [ASK], "metadata": {"user_id": "u-1"}}
    ),
    "a stream": Conversation({"messages": [ASK], "stream": True}, {"messages": [ASK], "stream": True}),
}  # fmt: skip


@pytest.mark.parametrize("conversation", CONVERSATIONS.values(), ids=CONVERSATIONS.keys())
async def test_we_send_what_anthropics_client_sends(conversation: Conversation):
    fake = FakeAnthropic(always=Says("x"))
    async with running(fake) as url:
        await _their_call(url, conversation)
        await _our_call(url, conversation)
    fake.check()
    theirs, ours = fake.calls
    expected = dict(theirs.body)
    for name, (wanted, sent) in conversation.differs.items():
        assert expected.pop(name, None) == wanted
        expected[name] = sent
    assert ours.body == expected
    assert ours.path == theirs.path == "/v1/messages"
    assert ours.headers["content-type"] == theirs.headers["content-type"] == "application/json"
    assert (theirs.headers["anthropic-version"], ours.headers["anthropic-version"]) == ("2026-10-21", "2023-06-01")
    assert (theirs.headers["authorization"], ours.headers["x-api-key"]) == ("Bearer sk-ant", "sk-ant")


async def _their_call(url: str, conversation: Conversation) -> None:
    async with anthropic.AsyncAnthropic(base_url=url, api_key="sk-ant", max_retries=0) as theirs:
        asked: Any = {"model": conversation.model, "max_tokens": 100, **conversation.theirs}
        answer = await theirs.messages.create(**asked)
        if asked.get("stream"):
            assert [event async for event in answer]


async def _our_call(url: str, conversation: Conversation) -> None:
    request = OpenAIChatServer().parse_request(
        json.dumps({"model": "m", "max_tokens": 100, **conversation.asked}).encode()
    )
    endpoint = values.endpoint(
        "anthropic", dialect="anthropic", base_url=url, path="/v1/messages", stream_path="/v1/messages",
        headers={"x-api-key": "sk-ant", "anthropic-version": "2023-06-01"},
    )  # fmt: skip
    model = values.model(conversation.model, "anthropic", endpoint=endpoint)
    transport = Transport(max_connections=2, max_bytes=10**6)
    async with transport.running():
        provider = HttpProvider(client, transport)
        if request.stream:
            assert [events async for events in provider.stream(request, model)]
        else:
            await provider.complete(request, model)
