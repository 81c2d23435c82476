"""Requests as we send them to Anthropic, where its client has nothing to compare with."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from fake_providers.anthropic.rules import mistake_in
from llm_gateway.canonical import (
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.errors import InvalidRequest

from tests.llm_gateway import values

client = AnthropicClient()

OLD, ADAPTIVE, NEW, ALWAYS = "claude-haiku-4-5", "claude-opus-4-6", "claude-sonnet-5-5", "claude-opus-5-5"
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def said(role: Role, *content: Part | str, **rest: Any) -> Message:
    return Message(role=role, content=tuple(Text(text=p) if isinstance(p, str) else p for p in content), **rest)


ASK = said("user", "Hola")
ADD = Tool(name="add", parameters=SCHEMA)


def encoded(*messages: Message, model: str = OLD, limits: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    """The body, which Anthropic takes."""
    request = Request(model="m", messages=messages or (ASK,), **asked)
    body = client.encode_request(request, values.model(model, "anthropic", **(limits or {})))
    assert mistake_in(body, "2023-06-01") is None
    return msgspec.json.decode(body)


def refused(*messages: Message, model: str = OLD, **asked: Any) -> str | None:
    """The parameter that is refused."""
    with pytest.raises(InvalidRequest) as caught:
        encoded(*messages, model=model, **asked)
    assert caught.value.param and caught.value.param in caught.value.message
    return caught.value.param


# --- conversations ---


def turns(*messages: Message, **rest: Any) -> list[tuple[str, Any]]:
    return [(turn["role"], turn["content"]) for turn in encoded(*messages, **rest)["messages"]]


def test_empty_and_blank_texts_are_left_out():
    call = ToolCall(id="a", name="add", arguments="{}")
    found = turns(said("user", "", "Hola", " \n"), said("assistant", "\n\n", call), said("tool", "", tool_call_id="a"))
    assert found == [
        ("user", "Hola"),
        ("assistant", [{"type": "tool_use", "id": "a", "name": "add", "input": {}}]),
        ("user", [{"type": "tool_result", "tool_use_id": "a"}]),
    ]


@pytest.mark.parametrize("messages", [(said("user", ""),), (said("system", "Sé breve"),), (said("user"),)])
def test_nothing_to_say_is_named(messages: tuple[Message, ...]):
    assert refused(*messages) == "messages"


def test_an_empty_turn_joins_its_neighbors():
    assert turns(ASK, said("assistant", ""), said("user", "¿Sigues?")) == [
        ("user", [{"type": "text", "text": "Hola"}, {"type": "text", "text": "¿Sigues?"}])
    ]


def test_results_come_first_with_their_images_and_errors():
    calls = [ToolCall(id=id_, name="add", arguments="{}") for id_ in "ab"]
    picture = Image(data="aGk=", media_type="image/jpeg")
    _, _, (role, content) = turns(
        ASK, said("assistant", *calls), said("user", "Mira"), said("tool", "3", picture, tool_call_id="a"),
        said("tool", "no", tool_call_id="b", is_error=True),
    )  # fmt: skip
    assert role == "user" and [block["type"] for block in content] == ["tool_result", "tool_result", "text"]
    assert content[0]["content"][1]["source"] == {"type": "base64", "media_type": "image/jpeg", "data": "aGk="}
    assert "is_error" not in content[0] and content[1]["is_error"] is True


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ("", {}), (" ", {}), ("{}", {}), ('{"a": 1}', {"a": 1}), ("[1]", {"arguments": [1]}),
        ("7", {"arguments": 7}), ("null", {"arguments": None}), ('{"a": ', {"arguments": '{"a": '}),
        ("[" * 50_000, {"arguments": "[" * 50_000}), ('"ñ"', {"arguments": "ñ"}),
    ],
)  # fmt: skip
def test_any_arguments_are_an_object(arguments: str, sent: Any):
    call = ToolCall(id="a", name="add", arguments=arguments)
    (_, content), _ = turns(ASK, said("assistant", call), said("tool", "x", tool_call_id="a"))[1:]
    assert content[0]["input"] == sent


def test_arguments_are_sent_to_the_letter():
    call = ToolCall(id="a", name="add", arguments='{"a": 1.0, "b": 12345678901234567890123}')
    request = Request(model="m", messages=(ASK, said("assistant", call), said("tool", "x", tool_call_id="a")))
    assert b'{"a": 1.0, "b": 12345678901234567890123}' in client.encode_request(request, values.model(OLD, "anthropic"))


def test_ids_of_other_providers_fit():
    ids = ["call:1.é", "call:1:é", "call_1__", ""]
    calls = [ToolCall(id=id_, name="add", arguments="{}") for id_ in ids]
    results = [said("tool", "3", tool_call_id=id_) for id_ in ids]
    _, (_, asked), (_, answered) = turns(ASK, said("assistant", *calls), *results)
    sent = [block["id"] for block in asked]
    assert sent == [block["tool_use_id"] for block in answered] and len(set(sent)) == 4
    assert sent[0].startswith("call_1__-") and sent[2] == "call_1__"
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", id_) for id_ in sent)


def test_only_its_own_thoughts_go_back():
    thoughts = [
        Reasoning(text="own", signature="s1", provider="anthropic"),
        Reasoning(text="foreign", signature="s2", provider="aws"),
        Reasoning(text="unsigned"),
        Reasoning(signature="s3", provider="anthropic", redacted=True),
    ]  # fmt: skip
    assert turns(ASK, said("assistant", *thoughts, "Ya"))[1][1] == [
        {"type": "thinking", "thinking": "own", "signature": "s1"},
        {"type": "redacted_thinking", "data": "s3"},
        {"type": "text", "text": "Ya"},
    ]


def test_a_refusal_is_text():
    assert turns(ASK, said("assistant", Refusal(text="No")), ASK)[1] == ("assistant", "No")


def test_a_system_message_in_the_middle_is_not_lost():
    late = said("system", "En inglés")
    conversation = (said("system", "Uno"), ASK, late, said("assistant", "Ok"), said("system", "Dos"), ASK)
    old = encoded(*conversation)
    assert [block["text"] for block in old["system"]] == ["Uno", "En inglés", "Dos"]
    new = encoded(*conversation, model=NEW)
    # behind an assistant's turn the API takes none
    assert [turn["role"] for turn in new["messages"]] == ["user", "system", "assistant", "user"]
    assert [block["text"] for block in new["system"]] == ["Uno", "Dos"]


# --- limits and sampling ---


@pytest.mark.parametrize(
    ("asked", "limit", "sent"),
    [(None, None, 4096), (None, 8000, 8000), (100, 8000, 100), (9000, 8000, 8000), (7, None, 7)],
)
def test_the_answers_length(asked: int | None, limit: int | None, sent: int):
    assert encoded(max_tokens=asked, limits={"max_output_tokens": limit})["max_tokens"] == sent


def test_sampling():
    body = encoded(temperature=1.0, top_k=5, stop=("FIN",))
    assert (body["temperature"], body["top_k"], body["stop_sequences"]) == (1.0, 5, ["FIN"])
    assert encoded(model="claude-3-haiku-20240307", temperature=0.5, top_p=0.5)["top_p"] == 0.5


@pytest.mark.parametrize(
    ("model", "asked", "param"),
    [
        (OLD, {"temperature": 1.5}, "temperature"),
        (OLD, {"temperature": 0.5, "top_p": 0.5}, "top_p"),
        (NEW, {"temperature": 0.5}, "temperature"),
        (NEW, {"top_p": 0.5}, "top_p"),
        (NEW, {"top_k": 5}, "top_k"),
        (OLD, {"temperature": 0.5, "reasoning_effort": "low"}, "temperature"),
        (OLD, {"top_k": 5, "reasoning_effort": "low"}, "top_k"),
        (OLD, {"top_p": 0.5, "reasoning_effort": "low"}, "top_p"),
        (ADAPTIVE, {"temperature": 0.5, "reasoning_effort": "low"}, "temperature"),
        (OLD, {"tools": (ADD,), "tool_choice": ToolChoice(mode="required"), "reasoning_effort": "low"}, "tool_choice"),
        (OLD, {"tool_choice": ToolChoice(mode="required")}, "tool_choice"),
        (OLD, {"stop": ("FIN", "\n")}, "stop"),
        (OLD, {"reasoning_effort": "huge"}, "reasoning_effort"),
        (ADAPTIVE, {"reasoning_effort": "huge"}, "reasoning_effort"),
    ],
)
def test_what_cannot_be_asked_is_named(model: str, asked: dict[str, Any], param: str):
    assert refused(model=model, **asked) == param


def test_defaults_that_are_said_aloud_are_no_obstacle():
    assert "temperature" not in encoded(model=NEW, temperature=1.0, top_p=1.0)
    assert "temperature" not in encoded(temperature=1.0, reasoning_effort="low")
    assert encoded(top_p=0.97, reasoning_effort="low")["top_p"] == 0.97


# --- thinking ---


@pytest.mark.parametrize(
    ("model", "asked", "thinking", "effort"),
    [
        (OLD, {}, None, None),
        (OLD, {"reasoning_effort": "none"}, None, None),
        (OLD, {"reasoning_budget": 0}, None, None),
        (OLD, {"reasoning_effort": "medium"}, {"type": "enabled", "budget_tokens": 5000}, None),
        (OLD, {"reasoning_budget": 3000}, {"type": "enabled", "budget_tokens": 3000}, None),
        (OLD, {"reasoning_budget": 10}, {"type": "enabled", "budget_tokens": 1024}, None),
        (NEW, {"reasoning_effort": "none"}, {"type": "between_tools"}, None),
        (NEW, {"reasoning_budget": 0}, {"type": "between_tools"}, None),
        (NEW, {"reasoning_effort": "minimal"}, {"type": "adaptive"}, "low"),
        (NEW, {"reasoning_effort": "xhigh"}, {"type": "adaptive"}, "xhigh"),
        (ADAPTIVE, {"reasoning_budget": 100_000}, {"type": "adaptive"}, "high"),
        (ALWAYS, {"reasoning_effort": "none"}, {"type": "adaptive"}, "low"),
    ],
)  # fmt: skip
def test_thinking(model: str, asked: dict[str, Any], thinking: Any, effort: str | None):
    body = encoded(model=model, max_tokens=10_000, **asked)
    assert body.get("thinking") == thinking and body.get("output_config", {}).get("effort") == effort


def test_a_budget_that_does_not_fit_makes_room_for_the_answer():
    body = encoded(reasoning_budget=2000, max_tokens=500)
    assert (body["thinking"]["budget_tokens"], body["max_tokens"]) == (2000, 2500)
    tight = encoded(reasoning_budget=5000, max_tokens=500, limits={"max_output_tokens": 4000})
    assert (tight["thinking"]["budget_tokens"], tight["max_tokens"]) == (3999, 4000)


def test_the_catalog_knows_who_thinks_adaptively():
    body = encoded(model="my-claude-4-5", reasoning_effort="low", limits={"supports": ("adaptive_thinking",)})
    assert body["thinking"] == {"type": "adaptive"}


# --- forms ---


def form(kind: Any = "json_schema", **rest: Any) -> ResponseFormat:
    return ResponseFormat(type=kind, **rest)


SCHEMA_FORM = form(name="n", schema=SCHEMA, description="Una suma")
LISTED: dict[str, Any] = {"supports": ("tools", "json_schema")}
UNLISTED: dict[str, Any] = {"supports": ("tools",)}


def test_a_native_form_is_closed_and_without_bounds():
    pair = {"type": "object", "description": "x", "maxProperties": 2}
    schema = {
        "type": "object",
        "properties": {
            "default": {"type": "object", "properties": {"required": {"type": "integer", "minimum": 1}}},
            "list": {"type": "array", "items": pair, "minItems": 2},
            "one": {"anyOf": [{"type": "object"}, {"type": "object", "additionalProperties": True}], "minItems": 1},
            "word": {"enum": [{"type": "object"}]},
        },
        "$defs": {"items": {"type": "object"}},
    }  # fmt: skip
    sent = encoded(response_format=form(name="n", schema=schema), limits=LISTED)["output_config"]["format"]["schema"]
    closed = {"type": "object", "additionalProperties": False}
    bound = {"type": "integer", "description": "(minimum: 1)"}
    assert sent == {
        **closed,
        "properties": {
            "default": {**closed, "properties": {"required": bound}},
            "list": {
                "type": "array", "items": {**closed, "description": "x (maxProperties: 2)"},
                "description": "(minItems: 2)",
            },
            "one": {"anyOf": [closed, {"type": "object", "additionalProperties": True}], "minItems": 1},
            "word": {"enum": [{"type": "object"}]},
        },
        "$defs": {"items": closed},
    }  # fmt: skip


def test_a_model_outside_the_catalog_has_what_its_generation_has():
    assert "output_config" in encoded(response_format=SCHEMA_FORM)
    assert "output_config" not in encoded(model="claude-3-haiku-20240307", response_format=SCHEMA_FORM)


@pytest.mark.parametrize("wanted", [SCHEMA_FORM, form("json_object"), form(name="n")])
def test_without_schemas_a_forced_tool_is_the_form(wanted: ResponseFormat):
    body = encoded(response_format=wanted, limits=UNLISTED)
    (tool,) = body["tools"]
    assert body["tool_choice"] == {"type": "tool", "name": tool["name"]} and "output_config" not in body
    assert tool["input_schema"] == wanted.schema or tool["input_schema"]["additionalProperties"] is True


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, {"type": "any"}),
        (ToolChoice(mode="auto"), {"type": "any"}),
        (ToolChoice(mode="required"), {"type": "any"}),
        (ToolChoice(mode="none"), {"type": "tool", "name": "json_answer_1"}),
        (ToolChoice(mode="tool", name="json_answer"), {"type": "tool", "name": "json_answer"}),
    ],
)
def test_the_form_beside_other_tools(choice: ToolChoice | None, sent: dict[str, Any]):
    mine = Tool(name="json_answer", parameters=SCHEMA)
    body = encoded(tools=(mine,), tool_choice=choice, response_format=SCHEMA_FORM, limits=UNLISTED)
    assert [tool["name"] for tool in body["tools"]] == ["json_answer", "json_answer_1"]
    assert body["tool_choice"] == sent


def test_a_thinking_model_is_asked_in_words():
    thinking = encoded(said("system", "Sé breve"), ASK, response_format=form("json_object"), reasoning_effort="low")
    unasked = encoded(response_format=form("json_object"), model=NEW)
    for body in (thinking, unasked):
        assert "tools" not in body and "JSON object" in body["system"][-1]["text"]
    assert thinking["system"][0]["text"] == "Sé breve"
    with pytest.raises(InvalidRequest) as caught:
        encoded(response_format=SCHEMA_FORM, reasoning_effort="low", limits=UNLISTED)
    assert caught.value.param == "response_format"


def test_text_is_no_form():
    assert encoded(response_format=form("text")).keys() == {"model", "max_tokens", "messages"}


# --- tools ---


def test_tools_without_a_schema_or_a_type():
    body = encoded(tools=(Tool(name="f"), Tool(name="g", parameters={"properties": {}}, cache="1h")))
    assert [tool["input_schema"] for tool in body["tools"]] == [{"type": "object", "properties": {}}] * 2
    assert body["tools"][1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_a_choice_without_tools():
    assert "tool_choice" not in encoded(tool_choice=ToolChoice(mode="auto"), parallel_tool_calls=False)
    served = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    chosen = encoded(tool_choice=ToolChoice(mode="required"), extra=served, dialect="anthropic")
    assert chosen["tool_choice"] == {"type": "any"} and chosen["tools"] == served["tools"]


# --- what passes and what does not ---


def test_hints_and_extra_fields_pass_from_the_same_dialect_alone():
    fields: dict[str, Any] = {
        "hints": {"service_tier": "auto", "output_config": {"effort": "max"}},
        "extra": {"context_management": {"edits": []}, "tools": [{"type": "web_search_20250305", "name": "w"}]},
    }
    model = values.model(OLD, "anthropic", **LISTED)
    own = Request(model="m", messages=(ASK,), dialect="anthropic", tools=(ADD,), response_format=SCHEMA_FORM, **fields)
    body = msgspec.json.decode(client.encode_request(own, model))
    assert body["service_tier"] == "auto" and body["context_management"] == {"edits": []}
    assert body["output_config"]["effort"] == "max" and body["output_config"]["format"]["schema"] == SCHEMA
    assert [tool["name"] for tool in body["tools"]] == ["add", "w"]
    assert client.dropped(own, model) == ()
    foreign = msgspec.structs.replace(own, dialect="openai_chat")
    sent = msgspec.json.decode(client.encode_request(foreign, model))
    assert not {"service_tier", "context_management"} & set(sent) and len(sent["tools"]) == 1
    assert set(client.dropped(foreign, model)) == {"service_tier", "output_config", "context_management", "tools"}


def test_an_effort_of_anthropics_own_client_is_left_as_it_is():
    body = encoded(dialect="anthropic", reasoning_effort="high")
    assert body["output_config"] == {"effort": "high"} and "thinking" not in body
    body = encoded(dialect="anthropic", reasoning_budget=2000, max_tokens=4000)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}
