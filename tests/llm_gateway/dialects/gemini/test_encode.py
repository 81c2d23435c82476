"""What is said to Gemini; that Google's client says the same is in `test_differential`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
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
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.errors import InvalidRequest

from tests.llm_gateway import values

client = GeminiClient()

UNSIGNED = "skip_thought_signature_validator"
ASK = Message(role="user", content=(Text(text="¿Qué?"),))
CALL = ToolCall(id="fc-1", name="add", arguments='{"a": 1}')
OTHER = ToolCall(id="fc-2", name="sub", arguments="")
RESULT = Message(role="tool", content=(Text(text="1"),), tool_call_id="fc-1")
SIGNED = Reasoning(signature="c2ln", provider="google")


def body(*messages: Message, id: str = "gemini-3.8-flash", limit: int | None = None, **fields: Any) -> dict[str, Any]:
    model = values.model("gemini-pro", "google", id=id, max_output_tokens=limit)
    return msgspec.json.decode(client.encode_request(Request(model="gemini-pro", messages=messages, **fields), model))


def contents(*messages: Message, **fields: Any) -> list[Any]:
    return [(content["role"], content["parts"]) for content in body(*messages, **fields)["contents"]]


def turn(role: Role, *parts: Part) -> Message:
    return Message(role=role, content=parts)


def config(**fields: Any) -> dict[str, Any]:
    return body(ASK, **fields).get("generationConfig", {})


# --- conversations ---


def test_turns_of_one_role_are_joined_and_empty_ones_left_out():
    assert contents(
        turn("user", Text(text="a")), turn("user", Text(text="b"), Text(text="")), turn("assistant"),
        turn("assistant", Text(text="c")), turn("assistant", Refusal(text="no")), turn("user", Text(text="")), ASK,
    ) == [
        ("user", [{"text": "a"}, {"text": "b"}]), ("model", [{"text": "c"}, {"text": "no"}]),
        ("user", [{"text": "¿Qué?"}]),
    ]  # fmt: skip


def test_what_the_system_says_is_apart_wherever_it_stands():
    sent = body(turn("system", Text(text="a")), ASK, turn("system", Text(text="b"), Text(text="c")))
    assert sent["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}
    assert len(sent["contents"]) == 1


def test_the_system_alone_is_asked_as_a_user():
    sent = body(turn("system", Text(text="a")))
    assert sent == {"contents": [{"role": "user", "parts": [{"text": "a"}]}]}


@pytest.mark.parametrize("messages", [(), (turn("user"),), (turn("system", Text(text="")),)])
def test_nothing_to_answer_is_refused(messages: tuple[Message, ...]):
    with pytest.raises(InvalidRequest, match="nothing to answer") as caught:
        body(*messages)
    assert caught.value.param == "messages"


def test_a_result_without_its_call_is_refused_unless_it_says_whose_it_is():
    with pytest.raises(InvalidRequest, match="without the call"):
        body(ASK, RESULT)
    named = Message(role="tool", content=RESULT.content, tool_call_id="x", name="add")
    assert contents(ASK, named)[0][1][1] == {
        "functionResponse": {"id": "x", "name": "add", "response": {"result": "1"}}
    }


def test_an_id_that_comes_again_means_the_last_call_of_that_id():
    again = ToolCall(id="fc-1", name="sub", arguments="{}")
    sent = contents(ASK, turn("assistant", CALL), RESULT, turn("assistant", again), RESULT)
    assert [part["functionResponse"]["name"] for _, parts in sent for part in parts if "functionResponse" in part] == [
        "add", "sub",
    ]  # fmt: skip


@pytest.mark.parametrize("arguments", ["[]", '"a"', "1", "{", "null", "nonsense", "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(arguments: str):
    with pytest.raises(InvalidRequest, match="not a JSON object") as caught:
        body(ASK, turn("assistant", ToolCall(id="x", name="add", arguments=arguments)), RESULT)
    assert caught.value.param == "messages"


def test_images_in_a_tools_result():
    picture = Image(data="aGk=", media_type="image/png")
    result = Message(role="tool", content=(Text(text="1"), picture), tool_call_id="fc-1")
    inline = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    recent = contents(ASK, turn("assistant", CALL), result)[2][1]
    assert recent[0]["functionResponse"]["parts"] == [inline] and len(recent) == 1
    linked = Message(role="tool", content=(Image(url="https://x.test/a.png"), picture), tool_call_id="fc-1")
    beside = contents(ASK, turn("assistant", CALL), linked)
    assert beside[2][1][0]["functionResponse"]["parts"] == [inline] and "fileData" in beside[2][1][1]
    assert beside[1][1][0]["thoughtSignature"] == UNSIGNED
    older = contents(ASK, turn("assistant", CALL), result, id="gemini-2.5-flash")[2][1]
    assert "parts" not in older[0]["functionResponse"] and older[1] == inline


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("https://x.test/a.PNG#x", {"fileUri": "https://x.test/a.PNG#x"}),
        ("https://x.test/a.JPG?w=1", {"fileUri": "https://x.test/a.JPG?w=1", "mimeType": "image/jpeg"}),
        ("https://x.test/a", {"fileUri": "https://x.test/a"}),
        ("gs://b/a.gif", {"fileUri": "gs://b/a.gif", "mimeType": "image/gif"}),
    ],
)
def test_images_by_their_address(url: str, data: dict[str, str]):
    assert contents(turn("user", Image(url=url)))[0][1] == [{"fileData": data}]


@pytest.mark.parametrize(
    ("url", "id_"),
    [
        ("http://x.test/a.png", "gemini-3.8-flash"), ("ftp://x.test/a.png", "gemini-3.8-flash"),
        ("", "gemini-3.8-flash"), ("https://x.test/a.png", "gemini-2.0-flash"),
        ("https://x.test/a.png", "gemini-1.5-pro"), ("https://x.test/a.png", "gemini-2-flash"),
    ],
)  # fmt: skip
def test_images_that_a_model_cannot_fetch_are_refused(url: str, id_: str):
    with pytest.raises(InvalidRequest) as caught:
        body(turn("user", Image(url=url)), id=id_)
    assert (caught.value.code, caught.value.param) == ("image_url_unsupported", "messages")


# --- signatures ---


@pytest.mark.parametrize(
    ("parts", "signatures"),
    [
        ((SIGNED, CALL, OTHER), ["c2ln", None]),
        ((SIGNED, Text(text="Voy"), CALL), [None, "c2ln"]),
        ((SIGNED, Text(text="Voy"), Reasoning(signature="b3Q=", provider="google"), CALL), ["c2ln", "b3Q="]),
        ((SIGNED, Reasoning(signature="b3Q=", provider="google"), CALL, OTHER), ["c2ln", "b3Q="]),
        ((CALL, SIGNED, OTHER), [UNSIGNED, "c2ln"]),
        ((CALL, SIGNED), [UNSIGNED, "c2ln"]),
        ((Reasoning(text="hm"), CALL), [UNSIGNED]),
        ((Reasoning(signature="x", provider="anthropic"), CALL), [UNSIGNED]),
        ((Reasoning(signature="x"), CALL), [UNSIGNED]),
        ((Reasoning(signature="x", provider="google", redacted=True), CALL), [UNSIGNED]),
        ((Reasoning(text="hm", signature="dA==", provider="google"), SIGNED, CALL), ["dA==", "c2ln"]),
    ],
    ids=[
        "of parallel calls the first", "the call, past the text", "text and call", "one each", "the second call",
        "at the end", "a thought without one", "another's", "nobody's", "redacted", "a thought with its own",
    ],
)  # fmt: skip
def test_signatures_go_back_where_they_were(parts: tuple[Part, ...], signatures: list[str | None]):
    sent = contents(ASK, turn("assistant", *parts), RESULT)[1][1]
    assert [part.get("thoughtSignature") for part in sent] == signatures


def test_a_signature_after_the_text_goes_as_it_came():
    assert contents(ASK, turn("assistant", Text(text="a"), SIGNED))[1][1] == [
        {"text": "a"}, {"text": "", "thoughtSignature": "c2ln"},
    ]  # fmt: skip


def test_only_the_turn_that_goes_on_must_be_signed_and_only_for_recent_models():
    conversation = (
        ASK, turn("assistant", CALL), RESULT, turn("assistant", Text(text="Uno")),
        ASK, turn("assistant", CALL, OTHER), RESULT, Message(role="tool", tool_call_id="fc-2"),
        turn("assistant", CALL), RESULT,
    )  # fmt: skip
    for id_, expected in {
        "gemini-3.8-flash": [None, UNSIGNED, None, UNSIGNED], "gemini-4-argon": [None, UNSIGNED, None, UNSIGNED],
        "gemini-flash-latest": [None, UNSIGNED, None, UNSIGNED], "gemini-2.5-pro": [None] * 4,
        "gemini-10-flash": [None, UNSIGNED, None, UNSIGNED], "gemma-3-27b-it": [None] * 4,
    }.items():  # fmt: skip
        calls = [part for _, parts in contents(*conversation, id=id_) for part in parts if "functionCall" in part]
        assert [part.get("thoughtSignature") for part in calls] == expected


def test_ids_that_we_made_are_ours():
    made = ToolCall(id="gwcall_r_0_1", name="add", arguments="{}")
    result = Message(role="tool", tool_call_id=made.id)
    sent = contents(ASK, turn("assistant", made), result)
    assert sent[1][1][0]["functionCall"] == {"name": "add", "args": {}}
    assert sent[2][1][0]["functionResponse"] == {"name": "add", "response": {"result": ""}}


# --- parameters ---


def test_the_output_limit_is_clamped():
    assert config(max_tokens=500, limit=100) == {"maxOutputTokens": 100}
    assert config(max_tokens=50, limit=100) == {"maxOutputTokens": 50}
    assert config(max_tokens=500) == {"maxOutputTokens": 500}


@pytest.mark.parametrize("seed", [0, -1, 2**31 - 1, 2**31, -(2**31), 2**60, -(2**60)])
def test_seeds_fit_into_what_google_takes(seed: int):
    assert -(2**31) <= config(seed=seed)["seed"] < 2**31
    assert config(seed=seed) == config(seed=seed)


def test_top_logprobs_are_nothing_without_logprobs():
    assert config(top_logprobs=3) == {} and config(logprobs=False, top_logprobs=3) == {}
    assert config(logprobs=True, top_logprobs=0) == {"responseLogprobs": True}


def test_formats():
    assert config(response_format=ResponseFormat(type="text")) == {}
    assert config(response_format=ResponseFormat(type="json_schema", name="x")) == {
        "responseMimeType": "application/json"
    }


@pytest.mark.parametrize(
    ("id_", "wish", "expected"),
    [
        ("gemini-3.8-flash", {"reasoning_effort": "minimal"}, {"thinkingLevel": "MINIMAL", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", {"reasoning_effort": "minimal"}, {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", {"reasoning_effort": "none"}, {"thinkingLevel": "LOW"}),
        ("gemini-3.8-flash", {"reasoning_effort": "xhigh"}, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3.8-flash", {"reasoning_budget": 0}, {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.8-flash", {"reasoning_budget": 4096}, {"thinkingLevel": "LOW", "includeThoughts": True}),
        (
            "gemini-3.8-flash", {"reasoning_effort": "low", "reasoning_budget": 30_000},
            {"thinkingLevel": "HIGH", "includeThoughts": True},
        ),
        ("gemini-2.5-flash", {"reasoning_effort": "none"}, {"thinkingBudget": 0}),
        ("gemini-2.5-flash", {"reasoning_effort": "high"}, {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-flash", {"reasoning_effort": "high", "reasoning_budget": 0}, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", {"reasoning_effort": "none"}, {"thinkingBudget": 128}),
        ("gemini-2.5-pro", {"reasoning_budget": 64}, {"thinkingBudget": 128, "includeThoughts": True}),
    ],
)  # fmt: skip
def test_how_much_to_think(id_: str, wish: dict[str, Any], expected: dict[str, Any]):
    assert config(id=id_, **wish) == {"thinkingConfig": expected}


def test_an_unknown_effort_is_refused():
    for id_ in ("gemini-3.8-flash", "gemini-2.5-pro"):
        with pytest.raises(InvalidRequest) as caught:
            config(id=id_, reasoning_effort="mucho")
        assert caught.value.param == "reasoning_effort"


def test_a_tool_that_is_demanded_must_be_there():
    add = Tool(name="add")
    for tools, choice in (
        ((), ToolChoice(mode="required")), ((), ToolChoice(mode="tool", name="add")),
        ((add,), ToolChoice(mode="tool", name="sub")),
    ):  # fmt: skip
        with pytest.raises(InvalidRequest) as caught:
            body(ASK, tools=tools, tool_choice=choice)
        assert caught.value.param == "tool_choice"
    for mode in ("auto", "none"):
        assert set(body(ASK, tool_choice=ToolChoice(mode=mode))) == {"contents"}


def test_schemas_go_as_they_were_written():
    schema = {"$schema": "x", "type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": False}
    declared = body(ASK, tools=(Tool(name="f", parameters=schema, strict=True), Tool(name="g")))["tools"]
    assert declared == [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}, {"name": "g"}]}]


# --- what goes to nobody else ---


def test_hints_stay_behind_and_are_named():
    model = values.model("gemini-pro", "google")
    request = Request(
        model="m", messages=(turn("user", Text(text="x", cache="5m")),), user="u", hints={"store": False},
        extra={"top_a": 1}, dialect="openai_chat",
    )  # fmt: skip
    assert client.dropped(request, model) == ("store", "top_a", "user", "cache_control")
    assert set(msgspec.json.decode(client.encode_request(request, model))) == {"contents"}
    assert client.dropped(Request(model="m", messages=(ASK,)), model) == ()


def test_fields_of_its_own_dialect_and_of_the_endpoint_pass():
    settings = [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"}]
    request = Request(model="m", messages=(ASK,), extra={"safetySettings": settings}, dialect="gemini")
    endpoint = values.endpoint("google", extra_body={"labels": {"a": "b"}})
    model = values.model("gemini-pro", "google", endpoint=endpoint)
    sent = msgspec.json.decode(client.encode_request(request, model))
    assert sent["safetySettings"] == settings and sent["labels"] == {"a": "b"}
    assert client.dropped(request, model) == ()
