from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_gateway.cache.key import cache_key
from llm_gateway.canonical import Message, Request, Text
from llm_gateway.dialects.anthropic.server import AnthropicServer
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer
from llm_gateway.dialects.openai_responses.server import OpenAIResponsesServer

from tests.llm_gateway import values

MODEL = values.model()
QUESTION = Request(model="m", messages=(Message(role="user", content=(Text(text="Hola"),)),))


def key(request: Request, **changes: Any) -> bytes:
    return cache_key(request, **{"model": MODEL, "tenant": "t", **changes})


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_field_that_changes_the_question_changes_the_key(data: st.DataObject):
    name = data.draw(st.sampled_from([name for name in values.FIELDS if name not in ("stream", "user")] + ["extra"]))
    strategy = values.objects if name == "extra" else values.FIELDS[name]
    one, other = data.draw(strategy), data.draw(strategy)
    keys = [key(msgspec.structs.replace(QUESTION, **{name: value})) for value in (one, other)]
    assert (keys[0] == keys[1]) == (msgspec.json.encode(one) == msgspec.json.encode(other))


@pytest.mark.parametrize(
    "change",
    [
        {"model": "alias"}, {"provider": "openai"}, {"stream": True}, {"include_usage": True}, {"user": "u"},
        {"hints": {"metadata": 1}}, {"dialect": "openai_chat"},
    ],
)  # fmt: skip
def test_what_does_not_change_the_answer_does_not_change_the_key(change: dict[str, Any]):
    assert key(msgspec.structs.replace(QUESTION, **change)) == key(QUESTION)


@pytest.mark.parametrize(
    "changes",
    [
        {"tenant": "other"}, {"model": values.model(id="gpt-4o-mini")}, {"model": values.model(provider="azure")},
        {"model": values.model(endpoint=values.endpoint(base_url="http://127.0.0.1:10/v1"))},
    ],
    ids=["tenant", "id", "provider", "address"],
)  # fmt: skip
def test_tenants_and_models_are_kept_apart(changes: dict[str, Any]):
    assert key(QUESTION, **changes) != key(QUESTION)


# --- what a dialect says in its own words ---

_anthropic, _responses, _chat = (
    server().parse_request for server in (AnthropicServer, OpenAIResponsesServer, OpenAIChatServer)
)
CHAT = {"messages": [{"role": "user", "content": "Hola"}]}
ANTHROPIC = {**CHAT, "model": "m", "max_tokens": 9}
RESPONSES = {"input": "Hola"}


def asked(parse: Callable[[bytes], Request], body: dict[str, Any]) -> bytes:
    return key(parse(msgspec.json.encode(body)))


@pytest.mark.parametrize(
    ("parse", "body", "one", "other"),
    [
        (_anthropic, ANTHROPIC, {"thinking": {"type": "disabled"}}, {"thinking": {"type": "adaptive"}}),
        (_anthropic, ANTHROPIC, {}, {"thinking": {"type": "adaptive"}}),
        (
            _anthropic, ANTHROPIC, {"thinking": {"type": "adaptive"}},
            {"thinking": {"type": "adaptive", "display": "summarized"}},
        ),
        (
            _anthropic, ANTHROPIC, {"output_config": {"effort": "xhigh"}},
            {"output_config": {"effort": "max"}},
        ),
        (_anthropic, ANTHROPIC, {}, {"context_management": {"edits": []}}),
        (_responses, RESPONSES, {"text": {"verbosity": "low"}}, {"text": {"verbosity": "high"}}),
        (_responses, RESPONSES, {}, {"truncation": "auto"}),
        (_chat, CHAT, {"verbosity": "low"}, {"verbosity": "high"}),
        (_chat, CHAT, {"reasoning_effort": "low"}, {"reasoning_effort": "high"}),
        (_chat, CHAT, {}, {"web_search_options": {}}),
    ],
)  # fmt: skip
def test_a_hint_that_changes_the_answer_changes_the_key(
    parse: Callable[[bytes], Request], body: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
):
    assert asked(parse, {**body, **one}) != asked(parse, {**body, **other})


@pytest.mark.parametrize(
    ("parse", "body", "told"),
    [
        (_anthropic, ANTHROPIC, {"metadata": {"user_id": "u"}}),
        (_anthropic, ANTHROPIC, {"service_tier": "auto"}),
        (_anthropic, ANTHROPIC, {"inference_geo": "us"}),
        (_responses, RESPONSES, {"metadata": {"a": "b"}}),
        (_responses, RESPONSES, {"prompt_cache_key": "k"}),
        (_responses, RESPONSES, {"service_tier": "flex"}),
        (_chat, CHAT, {"safety_identifier": "u"}),
        (_chat, CHAT, {"store": True, "metadata": {"a": "b"}}),
        (_chat, CHAT, {"service_tier": "flex"}),
        (_chat, CHAT, {"user": "u"}),
    ],
)  # fmt: skip
def test_identity_billing_and_the_providers_cache_do_not(
    parse: Callable[[bytes], Request], body: dict[str, Any], told: dict[str, Any]
):
    assert asked(parse, body) == asked(parse, {**body, **told})


def test_a_hint_that_nobody_has_listed_counts():
    assert key(msgspec.structs.replace(QUESTION, hints={"brand_new": 1})) != key(QUESTION)


def test_who_is_sent_a_dialects_own_words_counts():
    """They go to a provider of that dialect alone."""
    one, other = (msgspec.structs.replace(QUESTION, extra={"x": 1}, dialect=name) for name in ("a", "b"))
    assert key(one) != key(other)


def test_what_the_endpoint_adds_to_every_body_counts():
    adds = values.model(endpoint=values.endpoint(extra_body={"safety": "off"}))
    assert key(QUESTION, model=adds) != key(QUESTION)


def test_the_order_of_a_schemas_properties_counts():
    """A model fills them in in that order: the answer before the reasons is another than after them."""

    def wanted(*properties: str) -> bytes:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in properties}}
        wanted = {"type": "json_schema", "json_schema": {"name": "f", "schema": schema}}
        return asked(_chat, {**CHAT, "response_format": wanted})

    assert wanted("reasons", "answer") == wanted("reasons", "answer") != wanted("answer", "reasons")


def test_the_order_of_a_bodys_own_fields_does_not_matter():
    body = {**CHAT, "temperature": 0, "seed": 1}
    assert asked(_chat, body) == asked(_chat, dict(reversed(body.items())))


def test_neighbors_do_not_run_together():
    def of(*texts: str) -> bytes:
        return key(
            msgspec.structs.replace(
                QUESTION, messages=(Message(role="user", content=tuple(Text(text=t) for t in texts)),)
            )
        )

    assert len({of("ab", "c"), of("a", "bc"), of("abc"), of("abc", "")}) == 4


_EVERY_KEY = """
from llm_gateway.cache.key import cache_key
from llm_gateway.canonical import Request
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load
catalog = load_catalog(load(GatewaySettings, {}), {}, None)
print([cache_key(Request(model=name, messages=()), model, "t").hex() for name, model in catalog.models.items()])
"""


def test_replicas_have_the_same_keys():
    """Sets of words have another order in each process."""
    told = {
        subprocess.run(
            [sys.executable, "-c", _EVERY_KEY], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, timeout=9
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1 and len(*told) > 1000
