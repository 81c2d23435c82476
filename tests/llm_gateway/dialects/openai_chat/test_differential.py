"""What our encoder sends equals what OpenAI's own client sends for the same call, to OpenAI and to Azure.

Both are caught at the fake, which takes them as the provider would: address, version, key, content type and body are
compared, the body but for what a conversation lists in `differs`, as (the client's, ours):

* a stream's usage is always asked for: without it nobody knows what a stream cost;
* the output limit is `max_completion_tokens` for OpenAI and Azure, which call `max_tokens` deprecated and refuse it
  for models that reason;
* `developer` is sent as `system`: the two mean the same to every model, and only `system` is known everywhere;
* a message whose content is one text goes as a string, which is the same to OpenAI and all that some servers take;
* Azure's client repeats the deployment as `model` in the body, and so do we.

Of the headers those are compared that mean something to the API: the client's own `x-stainless-*` are telemetry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
from fake_providers import FakeAzure, FakeOpenAI, Says
from fake_providers.exchange import Call
from llm_gateway.canonical import (
    Image,
    Message,
    Refusal,
    Request,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.net.transport import Transport
from llm_gateway.providers.http import HttpProvider
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load
from service_kit.testing import running

client = OpenAIChatClient()

SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
ADD = Tool(name="add", description="Adds", parameters=SCHEMA, strict=True)
ADD_SENT = {
    "type": "function",
    "function": {"name": "add", "description": "Adds", "strict": True, "parameters": SCHEMA},
}
ASK, ASK_SENT = Message(role="user", content=(Text(text="¿Qué tal? 😀"),)), {"role": "user", "content": "¿Qué tal? 😀"}
CALLS = tuple(ToolCall(id=f"call_{n}", name="add", arguments='{"a": 1}') for n in (1, 2))
CALLS_SENT = [
    {"id": f"call_{n}", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}} for n in (1, 2)
]
USAGE = {"stream_options": (None, {"include_usage": True})}
ABSENT = "absent"


def turn(role: Any, *content: Any, **rest: Any) -> Message:
    parts = tuple(Text(text=part) if isinstance(part, str) else part for part in content)
    return Message(role=role, content=parts, **rest)


def result(id_: str, text: str) -> tuple[Message, dict[str, Any]]:
    return turn("tool", text, tool_call_id=id_), {"role": "tool", "tool_call_id": id_, "content": text}


@dataclass(frozen=True)
class Conversation:
    """One call: as the gateway understands it, and as OpenAI's client is asked for it."""

    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    messages: tuple[Message, ...] = (ASK,)
    sent: tuple[dict[str, Any], ...] = (ASK_SENT,)
    differs: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def request(self) -> Request:
        return Request(model="m", messages=self.messages, **self.ours)

    def call(self) -> dict[str, Any]:
        return {"messages": list(self.sent), **self.theirs}


ONE, TWO = result("call_1", "1"), result("call_2", "2")
PICTURE = Image(data="aGk=", media_type="image/png", detail="low")
PICTURE_SENT = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}
SAMPLING: dict[str, Any] = {
    "temperature": 0.3, "top_p": 0.9, "seed": 7, "presence_penalty": 0.5, "frequency_penalty": -0.5, "n": 2,
    "logit_bias": {"50256": -100}, "logprobs": True, "top_logprobs": 3, "user": "u-1",
}  # fmt: skip

CONVERSATIONS = {
    "one question": Conversation(),
    "a system prompt": Conversation(
        messages=(turn("system", "Sé breve"), ASK), sent=({"role": "system", "content": "Sé breve"}, ASK_SENT)
    ),
    "several turns": Conversation(
        messages=(ASK, turn("assistant", "Bien"), turn("user", "¿Y hoy?")),
        sent=(ASK_SENT, {"role": "assistant", "content": "Bien"}, {"role": "user", "content": "¿Y hoy?"}),
    ),
    "a developer's prompt": Conversation(
        messages=(turn("system", "x"), ASK), sent=({"role": "developer", "content": "x"}, ASK_SENT),
        differs={"messages": (
            [{"role": "developer", "content": "x"}, ASK_SENT], [{"role": "system", "content": "x"}, ASK_SENT],
        )},
    ),
    "names": Conversation(
        messages=(turn("user", "Hola", name="ana"),), sent=({"role": "user", "content": "Hola", "name": "ana"},)
    ),
    "sampling": Conversation(ours=SAMPLING, theirs=SAMPLING),
    "stop words": Conversation(ours={"stop": ("a", "b")}, theirs={"stop": ["a", "b"]}),
    "an output limit": Conversation(ours={"max_tokens": 50}, theirs={"max_completion_tokens": 50}),
    "an output limit in the old word": Conversation(
        ours={"max_tokens": 50}, theirs={"max_tokens": 50},
        differs={"max_tokens": (50, ABSENT), "max_completion_tokens": (ABSENT, 50)},
    ),
    "an effort": Conversation(ours={"reasoning_effort": "low"}, theirs={"reasoning_effort": "low"}),
    "a tool": Conversation(
        ours={"tools": (ADD,), "tool_choice": ToolChoice(mode="auto")},
        theirs={"tools": [ADD_SENT], "tool_choice": "auto"},
    ),
    "a tool that must be used, one at a time": Conversation(
        ours={"tools": (ADD,), "tool_choice": ToolChoice(mode="required"), "parallel_tool_calls": False},
        theirs={"tools": [ADD_SENT], "tool_choice": "required", "parallel_tool_calls": False},
    ),
    "a named tool": Conversation(
        ours={"tools": (ADD,), "tool_choice": ToolChoice(mode="tool", name="add")},
        theirs={"tools": [ADD_SENT], "tool_choice": {"type": "function", "function": {"name": "add"}}},
    ),
    "a tool without parameters": Conversation(
        ours={"tools": (Tool(name="now"),)}, theirs={"tools": [{"type": "function", "function": {"name": "now"}}]}
    ),
    "parallel results": Conversation(
        messages=(ASK, turn("assistant", *CALLS), ONE[0], TWO[0], ASK),
        sent=(ASK_SENT, {"role": "assistant", "content": None, "tool_calls": CALLS_SENT}, ONE[1], TWO[1], ASK_SENT),
        ours={"tools": (ADD,)}, theirs={"tools": [ADD_SENT]},
    ),
    "text beside a call": Conversation(
        messages=(ASK, turn("assistant", "Voy", CALLS[0]), ONE[0]),
        sent=(ASK_SENT, {"role": "assistant", "content": "Voy", "tool_calls": CALLS_SENT[:1]}, ONE[1]),
    ),
    "images": Conversation(
        messages=(turn("user", "¿Qué es?", PICTURE, Image(url="https://x.test/a.png")),),
        sent=({"role": "user", "content": [
            {"type": "text", "text": "¿Qué es?"}, PICTURE_SENT,
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        ]},),
    ),
    "a text as a part": Conversation(
        messages=(ASK,), sent=({"role": "user", "content": [{"type": "text", "text": ASK_SENT["content"]}]},),
        differs={"messages": (
            [{"role": "user", "content": [{"type": "text", "text": ASK_SENT["content"]}]}], [ASK_SENT],
        )},
    ),
    "a refusal": Conversation(
        messages=(ASK, turn("assistant", Refusal(text="No")), ASK),
        sent=(ASK_SENT, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]}, ASK_SENT),
    ),
    "a schema": Conversation(
        ours={"response_format": ResponseFormat(
            type="json_schema", name="x", schema=SCHEMA, strict=True, description="d",
        )},
        theirs={"response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": SCHEMA, "strict": True, "description": "d"},
        }},
    ),
    "an object": Conversation(
        ours={"response_format": ResponseFormat(type="json_object")},
        theirs={"response_format": {"type": "json_object"}},
    ),
    "a stream": Conversation(ours={"stream": True}, theirs={"stream": True}, differs=USAGE),
    "a stream with usage": Conversation(
        ours={"stream": True}, theirs={"stream": True, "stream_options": {"include_usage": True}}
    ),
    "hints": Conversation(
        ours={
            "hints": {"metadata": {"k": "v"}, "store": True}, "extra": {"verbosity": "low"}, "dialect": "openai_chat",
        },
        theirs={"metadata": {"k": "v"}, "store": True, "verbosity": "low"},
    ),
}  # fmt: skip


def essence(call: Call) -> dict[str, Any]:
    names = ("authorization", "api-key", "content-type")
    return {"path": call.path, "query": call.query, **{name: call.headers.get(name) for name in names}}


async def sent_by_us(url: str, conversation: Conversation, name: str, **environ: str) -> None:
    model: Model = load_catalog(load(GatewaySettings, environ), environ).resolve(name)
    transport = Transport(max_connections=2, max_bytes=10**6)
    request = conversation.request()
    async with transport.running():
        provider = HttpProvider(client, transport)
        if request.stream:
            async for _ in provider.stream(request, model):
                pass
        else:
            await provider.complete(request, model)


def compare(theirs: Call, ours: Call, differs: dict[str, tuple[Any, Any]]) -> None:
    assert essence(theirs) == essence(ours)
    expected = dict(theirs.body)
    for name, (client_says, we_say) in differs.items():
        assert theirs.body.get(name, ABSENT if client_says == ABSENT else None) == client_says
        if we_say == ABSENT:
            del expected[name]
        else:
            expected[name] = we_say
    assert ours.body == expected


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_openai(name: str):
    conversation = CONVERSATIONS[name]
    fake = FakeOpenAI(Says("x"), Says("x"), keys=["sk"])
    async with running(fake) as url:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk", max_retries=0) as sdk:
            await sdk.chat.completions.create(model="gpt-4o", **conversation.call())
        await sent_by_us(url, conversation, "gpt-4o", OPENAI_API_KEY="sk", OPENAI_BASE_URL=f"{url}/v1")
    compare(fake.calls[0], fake.calls[1], conversation.differs)


@pytest.mark.parametrize("key", ["AZURE_API_KEY", "AZURE_AD_TOKEN"])
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_azure(name: str, key: str):
    conversation = CONVERSATIONS[name]
    fake = FakeAzure(Says("x"), Says("x"), keys=["az"])
    credentials: Any = {"api_key": "az"} if key == "AZURE_API_KEY" else {"azure_ad_token": "az"}
    async with running(fake) as url:
        async with openai.AsyncAzureOpenAI(
            azure_endpoint=url, api_version="2024-10-21", max_retries=0, **credentials
        ) as sdk:
            await sdk.chat.completions.create(model="gpt-4.1", **conversation.call())
        environ = {key: "az", "AZURE_ENDPOINT": url, "AZURE_API_VERSION": "2024-10-21"}
        await sent_by_us(url, conversation, "azure/gpt-4.1", **environ)
    compare(fake.calls[0], fake.calls[1], conversation.differs)


def test_there_are_enough_of_them():
    assert len(CONVERSATIONS) >= 16
    assert sum(bool(one.differs) for one in CONVERSATIONS.values()) <= 5
