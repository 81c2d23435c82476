"""Every dialect is a class of its own that has what its protocol asks for, and no state."""

from __future__ import annotations

from typing import Any

import pytest
from llm_gateway.canonical.parameters import OPTIONAL
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.dialects.anthropic.server import AnthropicServer
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.dialects.native.server import NativeServer
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer
from llm_gateway.dialects.openai_embeddings.client import OpenAIEmbeddingsClient
from llm_gateway.dialects.openai_embeddings.server import OpenAIEmbeddingsServer
from llm_gateway.dialects.openai_responses.server import OpenAIResponsesServer
from llm_gateway.dialects.protocols import ClientDialect, EmbeddingDialect, ServerDialect

CLIENTS: tuple[ClientDialect[Any], ...] = (OpenAIChatClient(), AnthropicClient(), GeminiClient(), BedrockClient())
SERVERS: tuple[ServerDialect, ...] = (OpenAIChatServer(), OpenAIResponsesServer(), AnthropicServer(), NativeServer())
EMBEDDINGS: tuple[EmbeddingDialect, ...] = (OpenAIEmbeddingsClient(), GeminiClient(), BedrockClient())


@pytest.mark.parametrize(
    "dialect", [*CLIENTS, *SERVERS, *EMBEDDINGS, OpenAIEmbeddingsServer()], ids=lambda one: type(one).__name__
)
def test_a_dialect_has_the_name_of_its_package_and_no_state(dialect: Any):
    assert type(dialect).__module__.split(".")[-2] == dialect.name
    with pytest.raises(AttributeError):
        dialect.state = 1


@pytest.mark.parametrize(
    ("dialects", "protocol"), [(CLIENTS, ClientDialect), (SERVERS, ServerDialect), (EMBEDDINGS, EmbeddingDialect)]
)
def test_a_dialect_has_all_of_its_protocol(dialects: tuple[Any, ...], protocol: type):
    asked = [name for name in vars(protocol) if not name.startswith("_")]
    assert asked
    assert [(type(one).__name__, name) for one in dialects for name in asked if not hasattr(one, name)] == []


@pytest.mark.parametrize("dialect", CLIENTS, ids=lambda one: one.name)
def test_what_a_client_carries_are_optional_parameters(dialect: ClientDialect[Any]):
    assert dialect.carries and dialect.carries <= set(OPTIONAL)
