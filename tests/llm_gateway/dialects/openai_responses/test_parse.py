from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
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
from llm_gateway.dialects.openai_responses.server import OpenAIResponsesServer
from llm_gateway.errors import InvalidRequest

from tests.llm_gateway.hourglass.drawn import conversations

server = OpenAIResponsesServer()

QUICK = settings(max_examples=60, deadline=None)
ADD = {"type": "function", "name": "add", "description": "Adds", "parameters": {"type": "object"}, "strict": True}
SUB = {"type": "function", "name": "sub", "parameters": None}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "3"}


def parse(**body: Any) -> Request:
    return server.parse_request(msgspec.json.encode({"model": "gpt-4o", "input": "Hola", **body}))


def refused(**body: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse(**body)
    return caught.value


def turns(*items: dict[str, Any]) -> tuple[Message, ...]:
    return parse(input=list(items)).messages


def said(role: Any, *content: Part) -> Message:
    return Message(role=role, content=content)


# --- a client of this dialect, as small as it can be ---


def body_of(request: Request) -> dict[str, Any]:
    """`request` as a client of OpenAI's would put it."""
    body: dict[str, Any] = {
        "model": request.model,
        "input": [item for message in request.messages for item in items_of(message)],
        "tools": [tool_of(tool) for tool in request.tools],
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_output_tokens": request.max_tokens,
        "parallel_tool_calls": request.parallel_tool_calls,
        "user": request.user,
        "stream": request.stream,
    }
    if request.reasoning_effort:
        body["reasoning"] = {"effort": request.reasoning_effort}
    if request.tool_choice:
        choice = request.tool_choice
        body["tool_choice"] = {"type": "function", "name": choice.name} if choice.mode == "tool" else choice.mode
    if request.response_format:
        wanted = msgspec.to_builtins(request.response_format)
        body["text"] = {"format": {name: value for name, value in wanted.items() if value is not None}}
    return body


def tool_of(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters,
        "strict": tool.strict,
    }  # fmt: skip


def items_of(message: Message) -> list[dict[str, Any]]:
    """A turn as items."""
    if message.role == "tool":
        output = [part_of(part, "user") for part in message.content]
        return [{"type": "function_call_output", "call_id": message.tool_call_id, "output": output}]
    spoken = [part_of(part, message.role) for part in message.content if not isinstance(part, ToolCall)]
    items: list[dict[str, Any]] = [{"type": "message", "role": message.role, "content": spoken}] if spoken else []
    calls = [part for part in message.content if isinstance(part, ToolCall)]
    return items + [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments} for call in calls
    ]


def part_of(part: Part, role: str) -> dict[str, Any]:
    marks = {"5m": {"mode": "explicit"}, "1h": {"mode": "explicit", "ttl": "12h"}}
    match part:
        case Text():
            if role == "assistant":
                return {"type": "output_text", "text": part.text, "annotations": []}
            marked = {"prompt_cache_breakpoint": marks[part.cache]} if part.cache else {}
            return {"type": "input_text", "text": part.text, **marked}
        case Image():
            return {"type": "input_image", "image_url": f"data:{part.media_type};base64,{part.data}"}
        case _:
            raise AssertionError(part)


LACKING = {
    "seed": None, "stop": (), "top_k": None, "presence_penalty": None, "frequency_penalty": None,
    "reasoning_budget": None,
}  # fmt: skip


def projected(request: Request) -> Request:
    """What of `request` the dialect can say."""
    messages = tuple(msgspec.structs.replace(message, is_error=False) for message in request.messages)
    tools = tuple(msgspec.structs.replace(tool, cache=None) for tool in request.tools)
    kept = {"messages": messages, "tools": tools, "include_usage": True, "dialect": server.name}
    return msgspec.structs.replace(request, **LACKING, **kept)


@QUICK
@given(conversations())
def test_a_conversation_is_read_as_it_was_meant(request: Request):
    read = server.parse_request(msgspec.json.encode(body_of(request)))
    assert {name: getattr(read, name) for name in Request.__struct_fields__} == {
        name: getattr(projected(request), name) for name in Request.__struct_fields__
    }


# --- input ---


def test_a_string_is_what_the_user_says():
    assert parse(input="¿Qué tal? 😀").messages == (said("user", Text(text="¿Qué tal? 😀")),)


def test_instructions_come_first():
    messages = parse(instructions="Sé breve", input=[{"role": "developer", "content": "En verso"}]).messages
    assert messages == (said("system", Text(text="Sé breve")), said("system", Text(text="En verso")))


def test_a_message_needs_no_type():
    items = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": ""}]
    assert [(m.role, m.text()) for m in turns(*items)] == [("system", "a"), ("user", "b"), ("assistant", "")]


def test_an_answers_own_items_go_back():
    """As agents send them: with ids, statuses, annotations and nulls."""
    thought = {
        "id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "content": None,
        "encrypted_content": "gw1.anthropic.c2ln", "status": None,
    }  # fmt: skip
    spoken = {
        "id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "phase": None,
        "content": [{"type": "output_text", "text": "Voy", "annotations": [], "logprobs": []}],
    }  # fmt: skip
    call = {"id": "fc_1", "status": "completed", **CALL}
    messages = turns({"role": "user", "content": "suma"}, thought, spoken, call, {**call, "call_id": "c2"}, OUTPUT)
    assert messages[1:] == (
        said(
            "assistant",
            Reasoning(text="hm", signature="c2ln", provider="anthropic"),
            Text(text="Voy"),
            ToolCall(id="c1", name="add", arguments='{"a": 1}'),
            ToolCall(id="c2", name="add", arguments='{"a": 1}'),
        ),
        Message(role="tool", content=(Text(text="3"),), tool_call_id="c1"),
    )


def test_calls_made_one_after_the_other_are_turns_of_their_own():
    second = {**CALL, "call_id": "c2"}
    roles = [message.role for message in turns(CALL, OUTPUT, second, {**OUTPUT, "call_id": "c2"})]
    assert roles == ["assistant", "tool", "assistant", "tool"]


def test_a_message_behind_a_call_stays_in_its_turn():
    spoken = {"role": "assistant", "content": "Un momento"}
    call = ToolCall(id="c1", name="add", arguments='{"a": 1}')
    assert turns(CALL, spoken, OUTPUT)[0] == said("assistant", call, Text(text="Un momento"))


def test_two_messages_are_two_turns():
    spoken = [{"role": "assistant", "content": text} for text in ("a", "b")]
    assert turns(*spoken, CALL) == (
        said("assistant", Text(text="a")),
        said("assistant", Text(text="b"), ToolCall(id="c1", name="add", arguments='{"a": 1}')),
    )


def test_a_refusal_goes_back():
    content = [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "No"}]
    item = {"type": "message", "role": "assistant", "content": content}
    assert turns(item) == (said("assistant", Text(text="a"), Refusal(text="No")),)


@pytest.mark.parametrize(
    ("sealed", "read"),
    [
        ("gw1.aws.abc", {"signature": "abc", "provider": "aws"}),
        ("gw1x.anthropic.abc", {"signature": "abc", "provider": "anthropic", "redacted": True}),
        ("gAAAAA==", {"signature": "gAAAAA==", "provider": "openai"}),
        (None, {}),
        ("", {}),
    ],
)
def test_encrypted_thoughts_know_their_provider(sealed: str | None, read: dict[str, Any]):
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed}
    assert turns(item, CALL)[0].content[0] == Reasoning(**read)


def test_a_thought_in_whole_is_better_than_its_summary():
    summary = [{"type": "summary_text", "text": text} for text in ("a", "b")]
    content = [{"type": "reasoning_text", "text": "todo"}]
    assert turns({"type": "reasoning", "summary": summary})[0].content == (Reasoning(text="a\n\nb"),)
    assert turns({"type": "reasoning", "summary": summary, "content": content})[0].content == (Reasoning(text="todo"),)


def test_images_are_links_or_bytes():
    parts = [
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"},
        {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "original"},
        {"type": "input_image", "image_url": "https://x.test/b.png", "cache_control": {"type": "ephemeral"}},
    ]
    images = (
        Image(url="https://x.test/a.png", detail="low"),
        Image(data="aGk=", media_type="image/png", detail="high"),
        Image(url="https://x.test/b.png", cache="5m"),
    )
    assert turns({"role": "user", "content": parts}) == (said("user", *images),)
    assert turns(CALL, {**OUTPUT, "output": parts})[1].content == images


# --- parameters ---


def test_what_shapes_the_answer_is_kept():
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"}
    request = parse(
        temperature=0.5, top_p=0.9, max_output_tokens=20, parallel_tool_calls=False, top_logprobs=2, user="u",
        reasoning={"effort": "max", "summary": "auto"}, text={"format": schema}, provider="azure", stream=True,
    )  # fmt: skip
    assert (request.temperature, request.top_p, request.max_tokens) == (0.5, 0.9, 20)
    assert (request.parallel_tool_calls, request.user, request.provider, request.stream) == (False, "u", "azure", True)
    assert (request.logprobs, request.top_logprobs, request.reasoning_effort) == (True, 2, "xhigh")
    assert request.response_format == ResponseFormat(
        type="json_schema", name="n", schema={"type": "object"}, strict=True, description="d"
    )
    assert parse(text={"format": {"type": "json_object"}}).response_format == ResponseFormat(type="json_object")
    assert parse(include=["message.output_text.logprobs"]).logprobs is True


def test_what_goes_without_saying_asks_for_nothing():
    request = parse(
        text={"format": {"type": "text"}}, store=False, background=False, truncation="disabled", top_logprobs=0,
        previous_response_id=None, conversation=None, prompt=None, metadata={}, include=["reasoning.encrypted_content"],
        stream_options={"include_obfuscation": False}, max_tool_calls=3, reasoning={}, tools=[],
    )  # fmt: skip
    assert (request.response_format, request.logprobs, request.tools, request.reasoning_effort) == (
        None,
        None,
        (),
        None,
    )
    assert (request.hints, request.extra) == ({}, {})
    assert request.top_logprobs is None


def test_hints_are_kept_apart():
    request = parse(
        store=True, metadata={"a": "b"}, service_tier="flex", safety_identifier="s", prompt_cache_key="k",
        truncation="auto", include=["file_search_call.results"], text={"verbosity": "low"},
        reasoning={"mode": "pro", "context": "auto"}, prompt_cache_retention="24h",
        stream_options={"include_obfuscation": True},
    )  # fmt: skip
    assert request.hints == {
        "store": True, "metadata": {"a": "b"}, "service_tier": "flex", "safety_identifier": "s",
        "prompt_cache_key": "k", "truncation": "auto", "include": ["file_search_call.results"], "verbosity": "low",
        "reasoning.mode": "pro", "reasoning.context": "auto", "prompt_cache_retention": "24h",
        "stream_options.include_obfuscation": True,
    }  # fmt: skip


def test_unknown_fields_are_kept_apart():
    assert parse(novelty={"a": [1]}, stop="x").extra == {"novelty": {"a": [1]}, "stop": "x"}


# --- tools ---


def test_tools_are_flat():
    assert parse(tools=[ADD, SUB]).tools == (
        Tool(name="add", description="Adds", parameters={"type": "object"}, strict=True),
        Tool(name="sub"),
    )


@pytest.mark.parametrize(
    ("choice", "mode"),
    [
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "name": "sub"}, ToolChoice(mode="tool", name="sub")),
    ],
)
def test_the_choice_of_a_tool(choice: Any, mode: ToolChoice):
    assert parse(tools=[ADD, SUB], tool_choice=choice).tool_choice == mode


def test_of_allowed_tools_only_those_are_sent():
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "sub"}]}
    request = parse(tools=[ADD, SUB], tool_choice=choice)
    assert request.tools == (Tool(name="sub"),)
    assert request.tool_choice == ToolChoice(mode="required")


# --- mistakes ---

USER = {"role": "user", "content": "Hola"}


def with_part(part: Any) -> dict[str, Any]:
    return {"input": [USER, USER, {"role": "user", "content": [part]}]}


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"input": None}, "input"),
    ({"input": 3}, "input"),
    ({"input": []}, "input"),
    ({"input": {}}, "input"),
    ({"input": ["Hola"]}, "input[0]"),
    ({"input": [USER, {"type": "item_reference", "id": "msg_1"}]}, "input[1].type"),
    ({"input": [{"type": "web_search_call", "id": "x"}]}, "input[0].type"),
    ({"input": [{"type": 7}]}, "input[0].type"),
    ({"input": [{"content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
    (with_part({"type": "input_audio"}), "input[2].content[0].type"),
    (with_part({"text": "no type"}), "input[2].content[0].type"),
    (with_part({"type": "input_text"}), "input[2].content[0].text"),
    (with_part({"type": "input_text", "text": None}), "input[2].content[0].text"),
    (with_part({"type": "input_file", "file_id": "f"}), "input[2].content[0].type"),
    (with_part({"type": "input_image", "file_id": "f"}), "input[2].content[0].file_id"),
    (with_part({"type": "input_image"}), "input[2].content[0].image_url"),
    (with_part({"type": "input_image", "image_url": "data:image/png,raw"}), "input[2].content[0].image_url"),
    (with_part({"type": "input_image", "image_url": "x", "detail": "huge"}), "input[2].content[0].detail"),
    ({"input": [{**CALL, "call_id": None}]}, "input[0].call_id"),
    ({"input": [{**CALL, "name": ""}]}, "input[0].name"),
    ({"input": [{**CALL, "arguments": {}}]}, "input[0].arguments"),
    ({"input": [OUTPUT]}, "input[0].call_id"),
    ({"input": [OUTPUT, CALL]}, "input[0].call_id"),
    ({"input": [CALL, {**OUTPUT, "call_id": None}]}, "input[1].call_id"),
    ({"input": [CALL, {**OUTPUT, "output": None}]}, "input[1].output"),
    ({"input": [CALL, {**OUTPUT, "output": [{"type": "output_audio"}]}]}, "input[1].output[0].type"),
    ({"input": [{"type": "reasoning", "content": "x"}]}, "input[0].content"),
    ({"input": [{"type": "reasoning", "summary": [{"type": "x"}]}]}, "input[0].summary[0].type"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ({"background": True}, "background"),
    ({"moderation": {"model": "m"}}, "moderation"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tools": [ADD, {"type": "mcp", "server_label": "x"}]}, "tools[1].type"),
    ({"tools": [{"type": "custom", "name": "c"}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"tools": [{"type": "function", "function": {"name": "chat style"}}]}, "tools[0].name"),
    ({"tools": {}}, "tools"),
    ({"tool_choice": "sometimes"}, "tool_choice"),
    ({"tool_choice": {"type": "file_search"}}, "tool_choice.type"),
    ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
    ({"tools": [ADD], "tool_choice": {"type": "function", "name": "sub"}}, "tool_choice.name"),
    ({"tools": [ADD], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, "tool_choice.tools"),
    (
        {"tools": [ADD], "tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "x"}]}},
        "tool_choice.tools[0].name",
    ),
    ({"tool_choice": {"type": "allowed_tools", "tools": [{"type": "mcp"}]}}, "tool_choice.tools[0].type"),
    ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
    ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"text": {"verbosity": "loud"}}, "text.verbosity"),
    ({"reasoning": {"effort": "enormous"}}, "reasoning.effort"),
    ({"temperature": 2.5}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"top_p": -1}, "top_p"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"max_output_tokens": 1.5}, "max_output_tokens"),
    ({"max_tool_calls": 0}, "max_tool_calls"),
    ({"top_logprobs": 21}, "top_logprobs"),
    ({"truncation": "never"}, "truncation"),
    ({"metadata": {"a": 1}}, "metadata[...]"),
    ({"include": "everything"}, "include"),
    ({"stream": "yes"}, "stream"),
    ({"novelty": 1, "temperature": []}, "temperature"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_mistake_is_named_by_its_field(body: dict[str, Any], param: str):
    error = refused(**body)
    assert (error.status, error.param) == (400, param)
    assert param in error.message or param == "metadata[...]"


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt"])
def test_what_needs_a_store_says_so(name: str):
    error = refused(**{name: "x_1"} if name != "prompt" else {name: {"id": "x_1"}})
    assert error.code == "unsupported_parameter"
    assert "nothing is stored here" in error.message


def test_no_input_is_a_mistake():
    with pytest.raises(InvalidRequest) as caught:
        server.parse_request(b'{"model": "gpt-4o"}')
    assert caught.value.param == "input"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"Hola"', b'{"input": "\xff"}', b'{"input": ' + b"[" * 100_000,
        b'{"input": "a", "x": ' + b"[" * 100_000, b'{"input": "\\ud800"}',
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_request_is_refused(body: bytes):
    with pytest.raises(InvalidRequest):
        server.parse_request(body)
