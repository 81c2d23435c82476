from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from llm_gateway.canonical import Image, Message, Part, Request, Text, Tool, ToolCall, ToolChoice
from llm_gateway.providers.emulated_tools.plan import Plan
from llm_gateway.providers.emulated_tools.prompt import rewritten

from tests.llm_gateway import values

ADD = Tool(name="add", description="Adds.", parameters={"type": "object", "properties": {"a": {"type": "integer"}}})
FREE, HELD = Plan(tools=(ADD,)), Plan(tools=(ADD,), envelope="text")


def user(text: str) -> Message:
    return Message(role="user", content=(Text(text=text),))


def assistant(*content: Part) -> Message:
    return Message(role="assistant", content=content)


def result(id_: str, *content: Part, is_error: bool = False) -> Message:
    return Message(role="tool", tool_call_id=id_, content=content, is_error=is_error)


def call(id_: str, arguments: str = '{"a": 1}') -> ToolCall:
    return ToolCall(id=id_, name="add", arguments=arguments)


def turns(plan: Plan, *messages: Message) -> list[tuple[str, str]]:
    """The turns behind the instructions."""
    request = rewritten(Request(model="m", messages=messages, tools=(ADD,)), plan)
    sent = [(message.role, message.text()) for message in request.messages]
    return sent[1:] if plan.tools else sent


def test_the_tools_are_in_the_prompt_and_nowhere_else():
    request = Request(
        model="m", messages=(user("Hola"),), tools=(ADD,), tool_choice=ToolChoice(mode="auto"),
        parallel_tool_calls=True, stop=("x",), max_tokens=7,
    )  # fmt: skip
    sent = rewritten(request, msgspec.structs.replace(HELD, stop=("y",)))
    assert (sent.tools, sent.tool_choice, sent.parallel_tool_calls, sent.stop, sent.max_tokens) == (
        (), None, None, ("y",), 7
    )  # fmt: skip
    instructions = sent.messages[0]
    assert instructions.role == "system"
    described = {"name": "add", "description": "Adds.", "arguments": ADD.parameters}
    assert msgspec.json.encode(described).decode() in instructions.text().splitlines()
    assert sent.messages[1:] == request.messages


def test_they_join_the_system_turn_that_is_there():
    own = Message(role="system", content=(Text(text="Be kind.", cache="5m"),))
    sent = rewritten(Request(model="m", messages=(own, user("Hola")), tools=(ADD,)), FREE)
    assert [message.role for message in sent.messages] == ["system", "user"]
    assert sent.messages[0].content[0] == own.content[0] and '"add"' in sent.messages[0].text()


@pytest.mark.parametrize(
    ("plan", "has", "lacks"),
    [
        (FREE, "plain text", '{"answer"'),
        (HELD, '{"answer":"your text"}', "plain text"),
        (Plan(tools=(ADD,), envelope="value"), '{"answer":the JSON', "plain text"),
        (Plan(tools=(ADD,), must_call=True), "nothing else", "plain text"),
        (Plan(tools=(ADD,), one_call=True), '{"tool_calls":[{"name":NAME,"arguments":{…}}]}', "}},…]"),
    ],
)
def test_the_notation_that_is_asked_for_is_the_one_that_is_read(plan: Plan, has: str, lacks: str):
    prompt = rewritten(Request(model="m", messages=(user("Hola"),), tools=(ADD,)), plan).messages[0].text()
    assert has in prompt and lacks not in prompt


def test_earlier_calls_and_results_are_turns_in_the_same_notation():
    assert turns(FREE, user("1?"), assistant(call("x")), result("x", Text(text="2")), assistant(Text(text="Two."))) == [
        ("user", "1?"),
        ("assistant", '{"tool_calls":[{"name":"add","arguments":{"a": 1}}]}'),
        ("user", '{"tool_results":[{"name":"add","result":"2"}]}'),
        ("assistant", "Two."),
    ]
    assert turns(HELD, user("1?"), assistant(Text(text='Say "hi"'))) == [
        ("user", "1?"),
        ("assistant", '{"answer":"Say \\"hi\\""}'),
    ]


def test_parallel_results_are_one_turn_that_tells_them_apart():
    sent = turns(
        FREE,
        user("?"),
        assistant(Text(text="Both:"), call("x"), call("y", '{"a": 2}')),
        result("y", Text(text="3")),
        result("x", Text(text="bad"), is_error=True),
        user("And?"),
    )
    assert sent[1:] == [
        (
            "assistant",
            'Both:\n{"tool_calls":[{"name":"add","arguments":{"a": 1}},{"name":"add","arguments":{"a": 2}}]}',
        ),
        (
            "user",
            '{"tool_results":[{"name":"add","arguments":{"a": 2},"result":"3"},'
            '{"name":"add","arguments":{"a": 1},"error":"bad"}]}\n\nAnd?',
        ),
    ]


def test_images_of_a_result_come_with_it():
    picture = Image(data="aGk=", media_type="image/png")
    request = Request(model="m", messages=(user("?"), assistant(call("x")), result("x", Text(text="See"), picture)))
    last = rewritten(request, Plan()).messages[-1]
    assert last.role == "user" and last.content[1] == picture


def test_what_is_odd_is_still_said():
    sent = turns(Plan(), result("gone", Text(text="5")), assistant(call("x", "not json")))
    assert sent == [
        ("user", '{"tool_results":[{"name":"gone","result":"5"}]}'),
        ("assistant", '{"tool_calls":[{"name":"add","arguments":"not json"}]}'),
    ]


@given(request=values.requests)
@pytest.mark.parametrize("plan", [Plan(), FREE, HELD, Plan(tools=(ADD,), envelope="value")])
def test_nothing_of_tools_is_left_of_any_request(plan: Plan, request: Request):
    sent = rewritten(request, plan)
    assert not sent.tools and sent.tool_choice is None
    for message in sent.messages:
        assert message.role != "tool" and message.tool_call_id is None
        assert not any(isinstance(part, ToolCall) for part in message.content)
    said = "".join(message.text() for message in sent.messages)
    for message in request.messages:
        if message.role in ("user", "system"):
            assert message.text() in said
