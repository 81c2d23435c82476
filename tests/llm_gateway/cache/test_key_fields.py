"""Every field of a request and of a model's row, found by looking at the structs: each counts in the key, or is listed
here as one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_gateway.cache.key import cache_key, embedding_key
from llm_gateway.canonical import EmbeddingRequest, Message, Request, ResponseFormat, Text, Tool
from llm_gateway.catalog.models import Endpoint, Model, SystemPrompt
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.errors import InvalidRequest

from tests.llm_gateway import values

inspect = msgspec.inspect
MODEL = values.model()
QUESTION = Request(model="m", messages=(Message(role="user", content=(Text(text="Hola"),)),))
TEXTS = EmbeddingRequest(model="m", inputs=("Hola",))

NO_EFFECT = {"model", "provider", "stream", "include_usage", "user"}
"""Fields that do not count: the name is resolved to a row, which does; the rest is transport and identity."""
BY_CONTENT = {"hints", "dialect"}
"""Fields that count where they change what is sent: `test_key.py` has them one by one."""

_TEXTS = ("", "a", "b", "A", " a", "\u00e9", "e\u0301", "1", "true", "null", "ﬁ", "fi")
"""The fifth and the sixth are one letter in two normal forms, the last two look alike."""
_JSON: tuple[Any, ...] = (
    1, 1.0, True, "1", None, 0, False, [], [1], [[1]], {}, {"k": 1}, {"k": 1.0}, {"k": True}, [1, 2], [2, 1],
    {"k": {"k": 1}}, {"a": 1, "b": 2}, {"b": 2, "a": 1},
)  # fmt: skip


def samples(kind: Any) -> Iterator[Any]:
    """Yields values of a type, all different from one another; of a struct, one for each value of each field."""
    match kind:
        case inspect.StructType():
            yield from structs(kind.cls)
        case inspect.UnionType():
            for one in kind.types:
                yield from samples(one)
        case inspect.VarTupleType():
            items = list(samples(kind.item_type))
            yield from ((), *((item,) for item in items), *pairwise(items))
        case inspect.LiteralType():
            yield from kind.values
        case inspect.DictType():
            yield from ({}, *({"k": value} for value in samples(kind.value_type)))
        case inspect.NoneType():
            yield None
        case inspect.StrType():
            yield from _TEXTS
        case inspect.BoolType():
            yield from (False, True)
        case inspect.IntType():
            yield from (0, 1, 2, -1, 2**60)
        case inspect.FloatType():
            yield from (0.0, 1.0, 0.1, 0.1 + 2**-50)
        case inspect.AnyType():
            yield from _JSON
        case _:
            raise AssertionError(f"no samples of {kind}: add some")


def structs(cls: type[msgspec.Struct], base: dict[str, Any] | None = None) -> Iterator[Any]:
    """Yields a struct with its required fields, and one for each other value of each field."""
    fields = inspect.type_info(cls).fields  # type: ignore[attr-defined]
    base = {field.name: next(samples(field.type)) for field in fields if field.required} if base is None else base
    first = cls(**base)
    yield first
    for field in fields:
        for value in samples(field.type):
            changed = cls(**{**base, field.name: value})
            if not same(changed, first):
                yield changed


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same as JSON, in which 1, 1.0 and true differ."""
    return msgspec.json.encode(one) == msgspec.json.encode(other)


def changed(question: Any, name: str) -> list[Any]:
    """The question with every other value of a field."""
    [field] = [one for one in inspect.type_info(type(question)).fields if one.name == name]  # type: ignore[attr-defined]
    all_ = (msgspec.structs.replace(question, **{name: value}) for value in samples(field.type))
    return [one for one in all_ if not same(one, question)]


@pytest.mark.parametrize("name", [one for one in Request.__struct_fields__ if one not in NO_EFFECT | BY_CONTENT])
def test_no_two_values_of_a_field_share_a_key(name: str):
    asked = [QUESTION, *changed(QUESTION, name)]
    keys = [cache_key(one, MODEL, "t") for one in asked]
    assert len(asked) > 2 and len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", sorted(NO_EFFECT))
def test_transport_and_identity_share_one(name: str):
    asked = changed(QUESTION, name)
    assert asked and {cache_key(one, MODEL, "t") for one in asked} == {cache_key(QUESTION, MODEL, "t")}


@pytest.mark.parametrize("name", EmbeddingRequest.__struct_fields__)
def test_the_fields_of_texts_for_vectors(name: str):
    asked = [TEXTS, *changed(TEXTS, name)]
    keys = {embedding_key(one, MODEL, "t") for one in asked}
    alike = name in NO_EFFECT | {"dialect"}  # a dialect has no effect without words of its own
    assert len(asked) > 1 and len(keys) == (1 if alike else len(asked))
    assert cache_key(QUESTION, MODEL, "t") not in keys


def test_the_order_of_tools_and_messages_counts():
    tools = (Tool(name="a"), Tool(name="b"))
    turns = (*QUESTION.messages, Message(role="assistant", content=(Text(text="Hola"),)))
    for name, all_ in (("tools", tools), ("messages", turns)):
        one, other = (msgspec.structs.replace(QUESTION, **{name: order}) for order in (all_, all_[::-1]))
        assert cache_key(one, MODEL, "t") != cache_key(other, MODEL, "t")


# --- the row of a model ---

ROW_COUNTS: dict[str, Any] = {
    "name": "another", "provider": "azure", "id": "gpt-4o-mini", "supports": ("emulated_tools",),
    "max_output_tokens": 9,
}  # fmt: skip
ROW_DOES_NOT = {
    # what is told, and for how much
    "description", "rates", "tags", "context_window",
    # in the request that was fitted to the row, which is what the key is made of
    "lacks", "drop_params", "system_prompt",
    # how the model is asked; what another model says is kept under no key, and a name has one chain
    "timeouts", "retries", "fallbacks", "context_window_fallbacks", "content_filter_fallbacks", "safe_stream",
    "strategy", "weight", "deployments",
    # made from the others
    "deployment", "kind", "terms",
}  # fmt: skip
PLACE_COUNTS: dict[str, Any] = {
    "provider": "azure", "dialect": "anthropic", "base_url": "http://127.0.0.1:10/v1", "path": "/p",
    "stream_path": "/s", "embeddings_path": "/e", "query": "?api-version=2", "extra_body": {"safety": "off"},
    "also_carries": frozenset({"top_k"}), "reasoning_back": "details",
}  # fmt: skip
PLACE_DOES_NOT = {
    "headers", "key", "keyed", "credential_variable", "address_variable", "unavailable", "default_id",
    "prices", "free", "max_tokens_field", "cache_marks", "embeddings_batch", "token_inputs", "packed_vectors",
}  # fmt: skip


def test_no_field_of_a_row_is_forgotten():
    assert set(Model.__struct_fields__) == set(ROW_COUNTS) | ROW_DOES_NOT | {"endpoint"}
    assert set(Endpoint.__struct_fields__) == set(PLACE_COUNTS) | PLACE_DOES_NOT
    assert set(SystemPrompt.__struct_fields__) == {"text", "mode"}


@pytest.mark.parametrize("name", ROW_COUNTS)
def test_what_a_row_says_of_the_answer_counts(name: str):
    _apart(msgspec.structs.replace(MODEL, **{name: ROW_COUNTS[name]}))


@pytest.mark.parametrize("name", PLACE_COUNTS)
def test_what_its_endpoint_adds_counts(name: str):
    endpoint = msgspec.structs.replace(MODEL.endpoint, **{name: PLACE_COUNTS[name]})
    _apart(msgspec.structs.replace(MODEL, endpoint=endpoint))


def _apart(other: Model) -> None:
    assert cache_key(QUESTION, MODEL, "t") != cache_key(QUESTION, other, "t")
    assert embedding_key(TEXTS, MODEL, "t") != embedding_key(TEXTS, other, "t")


# --- what providers are sent ---

SPOKEN = {
    "openai_chat": (OpenAIChatClient(), "gpt-4o"),
    "anthropic": (AnthropicClient(), "claude-opus-4-6"),
    "gemini": (GeminiClient(), "gemini-2.5-pro"),
    "bedrock": (BedrockClient(), "anthropic.claude-sonnet-4-5-20250929-v1:0"),
}
SURFACES = ("native", "openai_chat", "openai_responses", "anthropic")


def sent(dialect: str, request: Request) -> bytes | str:
    client, id_ = SPOKEN[dialect]
    try:
        return client.encode_request(request, values.model(id_, provider=dialect))
    except InvalidRequest as error:
        return error.message


@pytest.mark.parametrize("dialect", SPOKEN)
@pytest.mark.parametrize("name", values.FIELDS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_surfaces_whose_requests_are_sent_differently_do_not_share(name: str, dialect: str, data: st.DataObject):
    request = msgspec.structs.replace(QUESTION, max_tokens=9_000)
    request = msgspec.structs.replace(request, **{name: data.draw(values.FIELDS[name])})
    asked = [msgspec.structs.replace(request, dialect=surface) for surface in SURFACES]
    keys = {cache_key(one, MODEL, "t"): sent(dialect, one) for one in asked}
    for one in asked:
        assert keys[cache_key(one, MODEL, "t")] == sent(dialect, one)


def test_a_schema_that_only_its_own_dialect_sends_unclosed_is_not_shared():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = ResponseFormat(type="json_schema", name="f", schema=schema)
    one, other = (
        msgspec.structs.replace(QUESTION, response_format=wanted, dialect=name) for name in ("anthropic", "openai_chat")
    )
    assert sent("anthropic", one) != sent("anthropic", other)
    assert cache_key(one, MODEL, "t") != cache_key(other, MODEL, "t")


def test_surfaces_whose_requests_are_sent_alike_share():
    asked = {cache_key(msgspec.structs.replace(QUESTION, dialect=name), MODEL, "t") for name in SURFACES}
    assert len(asked) == 1
