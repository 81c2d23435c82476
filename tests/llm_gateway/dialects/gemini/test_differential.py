"""For the same call we send what Google's own client sends: address, essential headers and body.

What differs, and why it may:
- Google's client names some fields in snake_case; the API takes both, and we write them as it documents them.
- it gives the system's instruction the role `user`, which the API does not look at, and we give it none.
- it sends an empty generationConfig where nothing of it is given, and we send none.
- it writes bytes in URL-safe base64; the API takes both, and we pass on what our client sent.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fake_providers import Call
from fake_providers.gemini import Embeds, FakeGemini, Says
from fake_providers.gemini.rules import in_camel_case
from google import genai
from google.genai import types
from llm_gateway.app import build_parts
from llm_gateway.canonical import (
    EmbeddingRequest,
    Image,
    Message,
    Reasoning,
    Request,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.net.transport import Transport
from llm_gateway.providers.embeddings import HttpEmbedder
from llm_gateway.providers.http import HttpProvider
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load
from service_kit.testing import running

client = GeminiClient()

KEY = "AIza-test-0123456789abcdef"
ESSENTIAL = ("content-type", "x-goog-api-key")
SCHEMA: dict[str, Any] = {
    "type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["a"], "additionalProperties": False,
    "$defs": {"n": {"type": "number"}},
}  # fmt: skip
PIXEL = b"\xfb\xff\xfepng"
SIGNATURE = b"\xfb\xff\xfesigned"

Content, Part, Config = types.Content, types.Part, types.GenerateContentConfig


def said(role: Any, text: str) -> Message:
    return Message(role=role, content=(Text(text=text),))


def theirs(role: str, *parts: types.Part) -> types.Content:
    return Content(role=role, parts=list(parts))


def tool_config(mode: types.FunctionCallingConfigMode, *names: str) -> types.ToolConfig:
    config = types.FunctionCallingConfig(mode=mode, allowed_function_names=list(names) or None)
    return types.ToolConfig(function_calling_config=config)


def called(id_: str | None, name: str, a: int, signature: bytes | None = None) -> types.Part:
    return Part(function_call=types.FunctionCall(id=id_, name=name, args={"a": a}), thought_signature=signature)


def answered(id_: str | None, name: str, **response: Any) -> types.Part:
    return Part(function_response=types.FunctionResponse(id=id_, name=name, response=response))


def calling(*calls: ToolCall, before: tuple[Any, ...] = ()) -> Message:
    return Message(role="assistant", content=(*before, *calls))


def result(id_: str, text: str, **rest: Any) -> Message:
    return Message(role="tool", content=(Text(text=text),), tool_call_id=id_, **rest)


ASK = said("user", "¿Qué tal? 😀")
ASKED = theirs("user", Part(text="¿Qué tal? 😀"))
ADD = Tool(name="add", description="Adds", parameters=SCHEMA)
NOW = Tool(name="now")
DECLARED: Any = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name="add", description="Adds", parameters_json_schema=SCHEMA),
            types.FunctionDeclaration(name="now"),
        ]
    )
]
SIGNED = Reasoning(signature=base64.b64encode(SIGNATURE).decode(), provider="google")
FOREIGN = Reasoning(text="hm", signature="abc", provider="anthropic")
MODES = types.FunctionCallingConfigMode
LEVELS = types.ThinkingLevel

OURS_AND_THEIRS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "one question": ({"messages": (ASK,)}, [ASKED], None),
    "a system prompt": (
        {"messages": (said("system", "Sé breve"), ASK)}, [ASKED], Config(system_instruction="Sé breve"),
    ),
    "several turns": (
        {"messages": (ASK, said("assistant", "Bien"), said("user", "¿Y tú?"))},
        [ASKED, theirs("model", Part(text="Bien")), theirs("user", Part(text="¿Y tú?"))], None,
    ),
    "sampling": (
        {
            "messages": (ASK,), "temperature": 0.3, "top_p": 0.9, "top_k": 40, "seed": 7, "stop": ("a", "b"),
            "max_tokens": 50, "n": 2, "presence_penalty": 0.5, "frequency_penalty": -0.5,
        },
        [ASKED],
        Config(
            temperature=0.3, top_p=0.9, top_k=40, seed=7, stop_sequences=["a", "b"], max_output_tokens=50,
            candidate_count=2, presence_penalty=0.5, frequency_penalty=-0.5,
        ),
    ),
    "log probabilities": (
        {"messages": (ASK,), "logprobs": True, "top_logprobs": 3}, [ASKED],
        Config(response_logprobs=True, logprobs=3),
    ),
    "JSON": (
        {"messages": (ASK,), "response_format": ResponseFormat(type="json_object")}, [ASKED],
        Config(response_mime_type="application/json"),
    ),
    "a schema for the answer": (
        {"messages": (ASK,), "response_format": ResponseFormat(type="json_schema", name="n", schema=SCHEMA)}, [ASKED],
        Config(response_mime_type="application/json", response_json_schema=SCHEMA),
    ),
    "an image": (
        {
            "messages": (
                Message(
                    role="user",
                    content=(
                        Text(text="Mira"),
                        Image(data=base64.b64encode(PIXEL).decode(), media_type="image/png"),
                    ),
                ),
            ),
        },
        [theirs("user", Part(text="Mira"), Part.from_bytes(data=PIXEL, mime_type="image/png"))], None,
    ),
    "an image by its address": (
        {"messages": (Message(role="user", content=(Image(url="https://x.test/a.webp?b=c"), Text(text="Mira"))),)},
        [
            theirs(
                "user", Part.from_uri(file_uri="https://x.test/a.webp?b=c", mime_type="image/webp"), Part(text="Mira"),
            ),
        ],
        None,
    ),
    "tools": ({"messages": (ASK,), "tools": (ADD, NOW)}, [ASKED], Config(tools=DECLARED)),
    "tools, left to the model": (
        {"messages": (ASK,), "tools": (ADD, NOW), "tool_choice": ToolChoice(mode="auto")}, [ASKED],
        Config(tools=DECLARED, tool_config=tool_config(MODES.AUTO)),
    ),
    "no tools, please": (
        {"messages": (ASK,), "tools": (ADD, NOW), "tool_choice": ToolChoice(mode="none")}, [ASKED],
        Config(tools=DECLARED, tool_config=tool_config(MODES.NONE)),
    ),
    "any tool": (
        {"messages": (ASK,), "tools": (ADD, NOW), "tool_choice": ToolChoice(mode="required")}, [ASKED],
        Config(tools=DECLARED, tool_config=tool_config(MODES.ANY)),
    ),
    "one tool": (
        {"messages": (ASK,), "tools": (ADD, NOW), "tool_choice": ToolChoice(mode="tool", name="now")}, [ASKED],
        Config(tools=DECLARED, tool_config=tool_config(MODES.ANY, "now")),
    ),
    "a call, signed, and its result": (
        {
            "messages": (
                ASK, calling(ToolCall(id="fc-1", name="add", arguments='{"a": 1}'), before=(SIGNED,)),
                result("fc-1", "1"),
            ),
            "tools": (ADD, NOW),
        },
        [
            ASKED, theirs("model", called("fc-1", "add", 1, SIGNATURE)),
            theirs("user", answered("fc-1", "add", result="1")),
        ],
        Config(tools=DECLARED),
    ),
    "parallel calls and results, one of them an error": (
        {
            "messages": (
                ASK,
                calling(
                    ToolCall(id="fc-1", name="add", arguments='{"a": 1}'),
                    ToolCall(id="fc-2", name="add", arguments='{"a": 2}'), before=(Text(text="Voy"), SIGNED),
                ),
                result("fc-2", "2"), result("fc-1", "no", is_error=True),
            ),
            "tools": (ADD, NOW),
        },
        [
            ASKED, theirs("model", Part(text="Voy"), called("fc-1", "add", 1, SIGNATURE), called("fc-2", "add", 2)),
            theirs("user", answered("fc-2", "add", result="2"), answered("fc-1", "add", error="no")),
        ],
        Config(tools=DECLARED),
    ),
    "an earlier turn's calls, whose ids we had made": (
        {
            "messages": (
                ASK, calling(ToolCall(id="gwcall_r_0_0", name="add", arguments='{"a": 1}'), before=(FOREIGN,)),
                result("gwcall_r_0_0", "1"), said("assistant", "Uno"), ASK,
            ),
            "tools": (ADD, NOW),
        },
        [
            ASKED, theirs("model", called(None, "add", 1)), theirs("user", answered(None, "add", result="1")),
            theirs("model", Part(text="Uno")), ASKED,
        ],
        Config(tools=DECLARED),
    ),
    "a signed text": (
        {"messages": (ASK, Message(role="assistant", content=(SIGNED, Text(text="Bien"))), ASK)},
        [ASKED, theirs("model", Part(text="Bien", thought_signature=SIGNATURE)), ASKED], None,
    ),
    "a level of thinking": (
        {"messages": (ASK,), "reasoning_effort": "low"}, [ASKED],
        Config(thinking_config=types.ThinkingConfig(thinking_level=LEVELS.LOW, include_thoughts=True)),
    ),
    "no thinking": (
        {"messages": (ASK,), "reasoning_effort": "none"}, [ASKED],
        Config(thinking_config=types.ThinkingConfig(thinking_level=LEVELS.MINIMAL)),
    ),
    "a budget for thinking": (
        {"model": "google/gemini-2.5-flash", "messages": (ASK,), "reasoning_budget": 2048}, [ASKED],
        Config(thinking_config=types.ThinkingConfig(thinking_budget=2048, include_thoughts=True)),
    ),
    "an effort, for a model that takes budgets": (
        {"model": "google/gemini-2.5-pro", "messages": (ASK,), "reasoning_effort": "medium"}, [ASKED],
        Config(thinking_config=types.ThinkingConfig(thinking_budget=8192, include_thoughts=True)),
    ),
}  # fmt: skip


@asynccontextmanager
async def both(fake: FakeGemini, name: str) -> AsyncIterator[tuple[genai.client.AsyncClient, Transport, Model]]:
    """Google's client and our own transport, both at `fake`, and the catalog's model `name`."""
    async with running(fake) as url, httpx.AsyncClient() as http:
        environ = {"GOOGLE_API_KEY": KEY, "GOOGLE_BASE_URL": url}
        parts = build_parts(load(GatewaySettings, environ), environ)
        options = types.HttpOptions(base_url=url, api_version="v1beta", httpx_async_client=http)
        async with genai.Client(api_key=KEY, http_options=options).aio as sdk, parts.transport.running():
            yield sdk, parts.transport, parts.holder.current().resolve(name)
    fake.check()


def comparable(call: Call) -> dict[str, Any]:
    body = in_camel_case(call.body)
    body.get("systemInstruction", {}).pop("role", None)
    if body.get("generationConfig") == {}:
        del body["generationConfig"]
    headers = {name: call.headers[name].partition(";")[0] for name in ESSENTIAL}
    return {"path": call.path, "query": call.query, "headers": headers, "body": _standard(body)}


def _standard(value: Any) -> Any:
    """`value` with its bytes in one kind of base64."""
    if isinstance(value, list):
        return [_standard(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: inner.replace("-", "+").replace("_", "/") if name in ("data", "thoughtSignature") else _standard(inner)
        for name, inner in value.items()
    }


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("case", OURS_AND_THEIRS, ids=str)
async def test_we_send_what_googles_client_sends(case: str, stream: bool):
    ours, contents, config = OURS_AND_THEIRS[case]
    fake = FakeGemini(always=Says("Bien"))
    name = ours.get("model", "gemini-pro")
    async with both(fake, name) as (sdk, transport, model):
        request = Request(**{"model": name, "stream": stream, **ours})
        provider = HttpProvider(client, transport)
        if stream:
            async for _ in await sdk.models.generate_content_stream(model=model.id, contents=contents, config=config):
                pass
            async for _ in provider.stream(request, model):
                pass
        else:
            await sdk.models.generate_content(model=model.id, contents=contents, config=config)
            await provider.complete(request, model)
    sent_by_them, sent_by_us = fake.calls
    assert comparable(sent_by_us) == comparable(sent_by_them)


@pytest.mark.parametrize(
    ("ours", "config"),
    [
        ({}, None),
        ({"dimensions": 3}, types.EmbedContentConfig(output_dimensionality=3)),
        ({"purpose": "query"}, types.EmbedContentConfig(task_type="RETRIEVAL_QUERY")),
        ({"purpose": "document"}, types.EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT")),
    ],
    ids=["plain", "shorter", "a query", "a document"],
)
async def test_embeddings_too(ours: dict[str, Any], config: Any):
    """Google's client gives each text the role `user`, which means nothing here, and we give it none."""
    fake = FakeGemini(always=Embeds())
    texts: Any = ["uno", "dos"]
    async with both(fake, "gemini-embedding-001") as (sdk, transport, model):
        await sdk.models.embed_content(model=model.id, contents=texts, config=config)
        request = EmbeddingRequest(model=model.name, inputs=("uno", "dos"), **ours)
        await HttpEmbedder(client, transport).embed(request, model)
    sent_by_them, sent_by_us = map(comparable, fake.calls)
    for one in sent_by_them["body"]["requests"]:
        assert one["content"].pop("role") == "user"
    assert sent_by_us == sent_by_them
