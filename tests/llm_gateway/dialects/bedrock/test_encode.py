"""What Converse is sent, where it takes less than a client may say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fake_providers.bedrock.rules import mistake_in
from llm_gateway.canonical import (
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.errors import InvalidRequest

from tests.llm_gateway import values

client = BedrockClient()

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CLAUDE_3 = "anthropic.claude-3-haiku-20240307-v1:0"
CLAUDE_5 = "us.anthropic.claude-opus-5-v1"
NOVA = "us.amazon.nova-pro-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
TITAN = "amazon.titan-text-express-v1"
LLAMA = "meta.llama3-70b-instruct-v1:0"
LLAMA_33 = "us.meta.llama3-3-70b-instruct-v1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"
IMPORTED = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"
COMMAND = "cohere.command-r-v1:0"
ADD = Tool(name="add", parameters={"type": "object"})
PIXEL = Image(data="aGk=", media_type="image/png")


def said(role: Any, *parts: Part | str, **more: Any) -> Message:
    return Message(role=role, content=tuple(Text(text=p) if isinstance(p, str) else p for p in parts), **more)


USER = said("user", "Hola")
CALLED = said("assistant", ToolCall(id="t1", name="add", arguments='{"a":1}'))
RESULT = said("tool", "3", tool_call_id="t1")


def encoded(*messages: Message, model: str = CLAUDE, supports: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    """The body, which Bedrock's own rules find in order."""
    request = Request(model="m", messages=messages or (USER,), **fields)
    body = client.encode_request(request, values.model(model, "aws", supports=supports, max_output_tokens=8000))
    assert mistake_in(body, model, "converse-stream" if request.stream else "converse") is None
    return msgspec.json.decode(body)


def refused(*messages: Message, **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        encoded(*messages, **fields)
    assert caught.value.status == 400
    return caught.value


def texts(body: dict[str, Any]) -> list[list[str]]:
    return [[block["text"] for block in message["content"]] for message in body["messages"]]


# --- turns ---


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u3000"])
def test_blank_text_is_left_out_and_turns_that_have_nothing_else(blank: str):
    body = encoded(said("system", blank), USER, said("assistant", blank), said("user", blank, "¿Sí?"))
    assert texts(body) == [["Hola", "¿Sí?"]]
    assert "system" not in body


def test_nothing_to_say():
    for messages in ((said("user", " "),), (said("system", "Sé breve."), said("user", ""))):
        assert refused(*messages).param == "messages"


def test_a_system_prompt_alone_is_what_is_asked():
    assert texts(encoded(said("system", "Saluda."))) == [["Saluda."]]


def test_an_assistant_cannot_begin():
    error = refused(said("assistant", "Yo"), USER)
    assert "must begin with a user" in error.message and error.param == "messages"


def test_refusals_are_said_again():
    assert texts(encoded(USER, said("assistant", Refusal(text="No")), USER)) == [["Hola"], ["No"], ["Hola"]]


@pytest.mark.parametrize("model", [TITAN, "mistral.mistral-7b-instruct-v0:2", "mistral.mixtral-8x7b-instruct-v0:1"])
def test_families_without_a_system_prompt_read_it_first(model: str):
    body = encoded(said("system", "Uno."), USER, said("system", "Dos."), model=model)
    assert texts(body) == [["Uno.", "Dos.", "Hola"]]
    assert texts(encoded(said("system", "Uno."), said("assistant", "Yo"), USER, model=model)) == [
        ["Uno."], ["Yo"], ["Hola"],
    ]  # fmt: skip


# --- images ---


@pytest.mark.parametrize(
    ("media_type", "format_"),
    [("image/png", "png"), ("image/jpg", "jpeg"), ("IMAGE/JPEG", "jpeg"), ("image/gif", "gif"), ("image/webp", "webp")],
)
def test_image_formats(media_type: str, format_: str):
    body = encoded(said("user", Image(data="aGk=", media_type=media_type)))
    assert body["messages"][0]["content"] == [{"image": {"format": format_, "source": {"bytes": "aGk="}}}]


@pytest.mark.parametrize(
    ("image", "model", "code"),
    [
        (Image(url="https://x.test/a.png"), CLAUDE, "image_url_unsupported"),
        (Image(data="aGk=", media_type="image/tiff"), CLAUDE, "image_format_unsupported"),
        (Image(data="aGk="), CLAUDE, "image_format_unsupported"),
        (PIXEL, LLAMA, "unsupported_parameter"),
        (PIXEL, TITAN, "unsupported_parameter"),
    ],
)
def test_images_that_are_not_taken(image: Image, model: str, code: str):
    error = refused(said("user", "¿?", image), model=model)
    assert (error.code, error.param) == (code, "messages")


# --- tools ---


def test_foreign_ids_are_changed_the_same_way_everywhere():
    foreign = ["call|1", "ñ" * 3, "x" * 65, "", "t.1:2", "toolu_ok-1"]
    calls = said("assistant", *(ToolCall(id=id_, name="add", arguments="{}") for id_ in foreign))
    body = encoded(USER, calls, *(said("tool", "3", tool_call_id=id_) for id_ in foreign), tools=(ADD,))
    used = [block["toolUse"]["toolUseId"] for block in body["messages"][1]["content"]]
    assert used == [block["toolResult"]["toolUseId"] for block in body["messages"][2]["content"]]
    assert len(set(used)) == len(foreign) and used[-1] == "toolu_ok-1"


@pytest.mark.parametrize("name", ["más", "a.b", "", "x" * 65, "a b"])
def test_names_that_are_not_taken(name: str):
    assert refused(tools=(Tool(name=name),)).param == "tools"
    called = said("assistant", ToolCall(id="t1", name=name, arguments="{}"))
    assert refused(USER, called, RESULT, tools=(ADD,)).param == "messages"


def test_a_tool_without_anything():
    spec = encoded(tools=(Tool(name="f", description=" "),))["toolConfig"]["tools"][0]["toolSpec"]
    assert spec == {"name": "f", "inputSchema": {"json": {"type": "object"}}}


def test_schemas_have_an_object_at_their_root():
    assert refused(tools=(Tool(name="f", parameters={"type": "array"}),)).param == "tools"
    wanted = ResponseFormat(type="json_schema", schema={"type": "array"})
    assert refused(model=NOVA, response_format=wanted).param == "response_format"


@pytest.mark.parametrize("arguments", ["", "{}"])
def test_calls_without_arguments(arguments: str):
    body = encoded(USER, said("assistant", ToolCall(id="t1", name="add", arguments=arguments)), RESULT, tools=(ADD,))
    assert body["messages"][1]["content"][0]["toolUse"]["input"] == {}


@pytest.mark.parametrize("arguments", ["[1]", "null", "1", '{"a":', "[" * 5000, "hola"])
def test_arguments_that_are_no_object(arguments: str):
    called = said("assistant", ToolCall(id="t1", name="add", arguments=arguments))
    assert "no JSON object" in refused(USER, called, RESULT, tools=(ADD,)).message


def test_an_empty_result_and_a_failure_where_it_cannot_be_marked():
    empty = said("tool", "", tool_call_id="t1", is_error=True)
    assert encoded(USER, CALLED, empty, tools=(ADD,))["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "t1", "content": [], "status": "error"}}
    ]
    body = encoded(USER, CALLED, said("tool", "ay", tool_call_id="t1", is_error=True), tools=(ADD,), model=COMMAND)
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "The tool failed."}, {"text": "ay"}]}}
    ]


@pytest.mark.parametrize(
    "fields",
    [{}, {"tools": (ADD,), "tool_choice": ToolChoice(mode="none")}, {"model": LLAMA}, {"model": TITAN}],
    ids=["no tools", "none", "llama", "titan"],
)
def test_calls_of_before_are_told_in_words_where_no_tools_may_be_used(fields: dict[str, Any]):
    """Converse refuses them without tools, and knows no way to forbid their use."""
    failed = said("tool", "ay", tool_call_id="t1", is_error=True)
    body = encoded(USER, CALLED, RESULT, CALLED, failed, **fields)
    assert "toolConfig" not in body
    assert texts(body) == [
        ["Hola"],
        ['The tool add was called with {"a":1}'],
        ["The tool add answered: 3"],
        ['The tool add was called with {"a":1}'],
        ["The tool add failed: ay"],
    ]


@pytest.mark.parametrize(
    ("model", "mode", "sent"),
    [
        (CLAUDE, "auto", {"auto": {}}), (CLAUDE, "required", {"any": {}}), (CLAUDE, "tool", {"tool": {"name": "add"}}),
        (MISTRAL, "auto", {"auto": {}}), (MISTRAL, "required", {"any": {}}), (LLAMA_33, "auto", None),
        (COMMAND, "auto", None), (IMPORTED, "auto", None),
    ],
)  # fmt: skip
def test_tool_choice(model: str, mode: Any, sent: Any):
    choice = ToolChoice(mode=mode, name="add" if mode == "tool" else None)
    assert encoded(model=model, tools=(ADD,), tool_choice=choice)["toolConfig"].get("toolChoice") == sent


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": LLAMA, "tools": (ADD,)}, "tools"),
        ({"model": TITAN, "tools": (ADD,)}, "tools"),
        ({"model": LLAMA, "response_format": ResponseFormat(type="json_object")}, "response_format"),
        ({"model": LLAMA_33, "tools": (ADD,), "stream": True}, "tools"),
        ({"model": LLAMA_33, "tools": (ADD,), "tool_choice": ToolChoice(mode="required")}, "tool_choice"),
        ({"model": MISTRAL, "tools": (ADD,), "tool_choice": ToolChoice(mode="tool", name="add")}, "tool_choice"),
        ({"model": LLAMA_33, "response_format": ResponseFormat(type="json_object")}, "response_format"),
        ({"model": IMPORTED, "tools": (ADD,), "tool_choice": ToolChoice(mode="tool", name="add")}, "tool_choice"),
        ({"model": IMPORTED, "tools": (ADD,), "tool_choice": ToolChoice(mode="required")}, "tool_choice"),
        ({"model": IMPORTED, "response_format": ResponseFormat(type="json_object")}, "response_format"),
        ({"model": TITAN, "top_k": 3}, "top_k"),
        ({"model": NOVA, "temperature": 1.01}, "temperature"),
        ({"temperature": 0.5, "top_p": 0.5}, "top_p"),
        ({"model": CLAUDE_5, "temperature": 0.5}, "temperature"),
        ({"reasoning_budget": 2000, "temperature": 0.5}, "temperature"),
        ({"reasoning_budget": 2000, "top_k": 3}, "top_k"),
        ({"reasoning_budget": 2000, "top_p": 0.5}, "top_p"),
        ({"reasoning_budget": 2000, "tools": (ADD,), "tool_choice": ToolChoice(mode="required")}, "tool_choice"),
        ({"model": CLAUDE_3, "reasoning_effort": "low"}, "reasoning_effort"),
        ({"model": NOVA, "reasoning_budget": 5000}, "reasoning_budget"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
    ],
)
def test_what_a_family_lacks_is_refused_by_name(fields: dict[str, Any], param: str):
    assert refused(**fields).param == param


# --- schemas ---

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def test_a_schema_beside_tools_leaves_the_choice_between_them():
    wanted = ResponseFormat(type="json_schema", name="add", schema=SCHEMA)
    config = encoded(model=NOVA, tools=(ADD,), response_format=wanted)["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["add", "json_answer"]
    assert config["toolChoice"] == {"any": {}}
    forced = ToolChoice(mode="tool", name="add")
    config = encoded(model=NOVA, tools=(ADD,), tool_choice=forced, response_format=wanted)["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["add"]
    none = ToolChoice(mode="none")
    config = encoded(model=NOVA, tools=(ADD,), tool_choice=none, response_format=wanted)["toolConfig"]
    assert config["toolChoice"] == {"tool": {"name": "json_answer"}}


def test_a_schema_for_a_family_that_takes_only_any_tool():
    wanted = ResponseFormat(type="json_schema", name="not a name", schema=SCHEMA)
    config = encoded(model=MISTRAL, response_format=wanted)["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["json_answer"]
    assert config["toolChoice"] == {"any": {}}


def test_any_object_from_a_model_that_thinks_is_asked_for_in_words():
    body = encoded(reasoning_budget=2000, response_format=ResponseFormat(type="json_object"))
    assert "one JSON object" in body["system"][-1]["text"] and "toolConfig" not in body


def test_a_model_of_the_catalog_has_what_that_says():
    wanted = ResponseFormat(type="json_schema", schema=SCHEMA)
    assert "outputConfig" in encoded(supports=("tools", "json_schema"), response_format=wanted)
    assert "toolConfig" in encoded(supports=("tools",), response_format=wanted)
    assert "outputConfig" in encoded(response_format=wanted)  # one that is not in it: by its generation


# --- thinking ---


@pytest.mark.parametrize(
    ("fields", "budget", "most"),
    [
        ({"reasoning_budget": 100}, 1024, None),
        ({"reasoning_budget": 4000, "max_tokens": 5000}, 4000, 5000),
        ({"reasoning_budget": 4000, "max_tokens": 3000}, 4000, 7000),
        ({"reasoning_budget": 4000, "max_tokens": 4000}, 4000, 8000),
        ({"reasoning_budget": 90_000, "max_tokens": 4000}, 7999, 8000),
        ({"reasoning_effort": "medium", "max_tokens": 6000}, 3000, 6000),
        ({"reasoning_effort": "low"}, 1600, None),
        ({"reasoning_effort": "high", "reasoning_budget": 2000}, 2000, None),
    ],
)
def test_budgets_leave_room_for_the_answer(fields: dict[str, Any], budget: int, most: int | None):
    body = encoded(**fields)
    thinking = body["additionalModelRequestFields"]["thinking"]
    assert thinking == {"type": "enabled", "budget_tokens": budget}
    assert body.get("inferenceConfig", {}).get("maxTokens") == most


@pytest.mark.parametrize("wish", [{"reasoning_effort": "none"}, {"reasoning_budget": 0}])
@pytest.mark.parametrize("model", [CLAUDE, CLAUDE_3, NOVA, LLAMA])
def test_who_does_not_think_needs_no_telling(model: str, wish: dict[str, Any]):
    assert "additionalModelRequestFields" not in encoded(model=model, **wish)


def test_who_thinks_unasked_is_told_not_to():
    body = encoded(model="us.anthropic.claude-sonnet-5-v1", reasoning_effort="none")
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("us.anthropic.claude-opus-4-6-v1", "minimal", "low"), ("us.anthropic.claude-opus-4-6-v1", "xhigh", "xhigh"),
        (NOVA_2, "minimal", "low"), (NOVA_2, "xhigh", "high"), ("openai.gpt-oss-20b-1:0", "medium", "medium"),
    ],
)  # fmt: skip
def test_efforts(model: str, effort: str, sent: str):
    body = encoded(model=model, reasoning_effort=effort)
    fields = body["additionalModelRequestFields"]
    found = fields.get("reasoning_effort") or fields.get("reasoningConfig", {}).get("maxReasoningEffort")
    assert (found or body["outputConfig"]["effort"]) == sent


@pytest.mark.parametrize("model", [NOVA, LLAMA, CLAUDE_3, "us.deepseek.r1-v1:0"])
def test_signatures_go_only_to_who_made_them(model: str):
    thought = Reasoning(text="mmm", signature="c2ln", provider="aws")
    assert texts(encoded(USER, said("assistant", thought, "Sí"), USER, model=model))[1] == ["Sí"]


# --- hints ---


def dropped(*messages: Message, model: str = CLAUDE, **fields: Any) -> tuple[str, ...]:
    return client.dropped(Request(model="m", messages=messages or (USER,), **fields), values.model(model, "aws"))


def test_hints_that_are_not_sent_are_listed():
    hints: dict[str, Any] = {"hints": {"metadata": {}, "store": False}, "extra": {"verbosity": "low"}}
    assert dropped(**hints, dialect="openai_chat") == ("metadata", "store", "verbosity")
    marked = said("user", Text(text="Hola", cache="5m"))
    assert dropped(marked) == () and dropped(marked, model=LLAMA) == ("cache_control",)
    tool = (Tool(name="f", cache="5m"),)
    assert dropped(tools=tool) == () and dropped(tools=tool, model=NOVA) == ("cache_control",)
    assert dropped(user="ana") == ("user",)
    strict = (Tool(name="f", strict=True),)
    assert dropped(tools=strict, model=NOVA) == ("strict",) and dropped(tools=strict) == ()


def test_fields_of_converse_itself():
    own = {"serviceTier": {"type": "flex"}, "performanceConfig": {"latency": "optimized"}}
    body = encoded(dialect="bedrock", extra={**own, "nonsense": 1})
    assert {name: body[name] for name in own} == own and "nonsense" not in body
    assert dropped(dialect="bedrock", extra={**own, "nonsense": 1}) == ("nonsense",)


@pytest.mark.parametrize(
    ("model", "points"), [(CLAUDE, [{"type": "default", "ttl": "1h"}] * 3), (NOVA, [{"type": "default"}] * 2),
                          ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", [{"type": "default"}] * 3), (CLAUDE_3, [])],
)  # fmt: skip
def test_cache_points_where_a_family_takes_them(model: str, points: list[dict[str, str]]):
    body = encoded(
        said("system", Text(text="S", cache="1h")), said("user", Text(text="U", cache="1h")),
        tools=(msgspec.structs.replace(ADD, cache="1h"),), model=model,
    )  # fmt: skip
    blocks = [*body["toolConfig"]["tools"], *body["system"], *body["messages"][0]["content"]]
    assert [block["cachePoint"] for block in blocks if "cachePoint" in block] == points
