"""What a client says of a tool's effects reaches the gateway's own planner, and no provider."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from llm_gateway.canonical import Message, Request, Text, Tool, ToolCall
from llm_gateway.dialects.native.server import NativeServer
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer
from llm_gateway.dialects.protocols import ClientDialect
from llm_gateway.providers.embedded import EmbeddedProvider

from tests.llm_gateway import values
from tests.llm_gateway.dialects.test_protocols import CLIENTS

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FUNCTION = {"name": "get_user", "description": "Gets a user", "parameters": SCHEMA}
PROVIDERS = {"openai_chat": "openai", "anthropic": "anthropic", "gemini": "gemini", "bedrock": "bedrock"}


def asked(read_only: bool | None) -> Request:
    tool = Tool(name="get_user", description="Gets a user", parameters=SCHEMA, read_only=read_only)
    question = Message(role="user", content=(Text(text="can you get the user Ana?"),))
    return Request(model="m", messages=(question,), tools=(tool,))


@pytest.mark.parametrize("server", [NativeServer(), OpenAIChatServer()], ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("annotations", "read_only"),
    [(None, None), ({}, None), ({"readOnlyHint": True, "title": "x"}, True), ({"readOnlyHint": False}, False)],
)
def test_the_annotation_is_read(server: Any, annotations: Any, read_only: bool | None):
    sent = {"type": "function", "function": FUNCTION, "annotations": annotations}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hola"}], "tools": [sent]}
    (tool,) = server.parse_request(msgspec.json.encode(body)).tools
    assert (tool.name, tool.read_only) == ("get_user", read_only)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_no_provider_is_sent_it(client: ClientDialect[Any]):
    model = values.model("m", PROVIDERS[client.name])
    plain = client.encode_request(asked(None), model)
    assert client.encode_request(asked(True), model) == plain == client.encode_request(asked(False), model)


@pytest.mark.parametrize(("read_only", "runs"), [(None, True), (True, True), (False, False)])
async def test_the_planner_is_told(read_only: bool | None, runs: bool):
    result = await EmbeddedProvider().complete(asked(read_only), values.model("offline", "offline"))
    assert any(isinstance(part, ToolCall) for part in result.content) is runs
