from __future__ import annotations

from typing import Any

import pytest
from llm_gateway.canonical import Message, Request, ResponseFormat, Text, Tool, ToolCall, ToolChoice
from llm_gateway.catalog.models import Model
from llm_gateway.errors import InvalidRequest
from llm_gateway.providers.emulated_tools import emulates
from llm_gateway.providers.emulated_tools.constraint import calls_schema, either_schema
from llm_gateway.providers.emulated_tools.fitting import fits
from llm_gateway.providers.emulated_tools.plan import Plan, plan_of

from tests.llm_gateway import values

ADD = Tool(name="add", parameters={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
NOW = Tool(name="now")
HELD = values.model("local", "local", supports=("emulated_tools", "stream", "json_schema"))
FREE = values.model("local", "local", supports=("emulated_tools", "stream"))
ASKED = (Message(role="user", content=(Text(text="Hola"),)),)
CALLED = (*ASKED, Message(role="assistant", content=(ToolCall(id="1", name="add", arguments="{}"),)))


def ask(**changes: Any) -> Request:
    fields: dict[str, Any] = {"model": "local", "messages": ASKED, "tools": (ADD, NOW)}
    return Request(**{**fields, **changes})


def schema_of(plan: Plan) -> dict[str, Any]:
    assert plan.response_format is not None and plan.response_format.type == "json_schema"
    assert plan.response_format.schema is not None
    return plan.response_format.schema


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize(
    ("request_", "supports", "emulated"),
    [
        (ask(), ("emulated_tools",), True),
        (ask(tools=()), ("emulated_tools",), False),
        (ask(tools=(), messages=CALLED), ("emulated_tools",), True),
        (ask(tools=(), messages=(Message(role="tool", tool_call_id="1"),)), ("emulated_tools",), True),
        (ask(), ("tools", "emulated_tools"), True),
        (ask(), ("tools",), False),
        (ask(), ("stream",), False),
        (ask(), (), False),
    ],
)
def test_the_catalog_says_for_whom_tools_are_emulated(request_: Request, supports: tuple[str, ...], emulated: bool):
    model: Model = values.model("m", supports=supports)
    assert emulates(request_, model) is emulated


def test_a_model_that_can_be_held_to_a_schema_is():
    plan = plan_of(ask(), HELD)
    assert (plan.envelope, plan.must_call, plan.one_call) == ("text", False, False)
    schema = schema_of(plan)
    assert fits({"answer": "x"}, schema) and fits({"tool_calls": [call("add", a=1), call("now")]}, schema)
    for wrong in ({"answer": 1}, {"tool_calls": []}, {"tool_calls": [call("sub")]}, {"tool_calls": [call("add")]}, {}):
        assert not fits(wrong, schema)


@pytest.mark.parametrize("choice", [ToolChoice(mode="required"), ToolChoice(mode="tool", name="add")])
def test_a_call_that_must_be_is_all_that_the_schema_takes(choice: ToolChoice):
    plan = plan_of(ask(tool_choice=choice), HELD)
    named = choice.mode == "tool"
    assert (plan.must_call, plan.envelope, plan.one_call) == (True, None, named)
    schema = schema_of(plan)
    assert fits({"tool_calls": [call("add", a=1)]}, schema) and not fits({"answer": "x"}, schema)
    assert fits({"tool_calls": [call("now")]}, schema) is not named
    assert fits({"tool_calls": [call("add", a=1)] * 2}, schema) is not named


def test_one_call_at_a_time_is_in_the_schema():
    schema = schema_of(plan_of(ask(parallel_tool_calls=False), HELD))
    assert fits({"tool_calls": [call("now")]}, schema) and not fits({"tool_calls": [call("now")] * 2}, schema)


def test_a_model_that_cannot_be_held_is_asked():
    plan = plan_of(ask(tool_choice=ToolChoice(mode="required"), stop=("}",)), FREE)
    assert (plan.response_format, plan.envelope, plan.must_call, plan.stop) == (None, None, True, ("}",))


def test_no_tools_are_offered_where_none_may_be_called():
    wanted = ResponseFormat(type="json_object")
    plan = plan_of(ask(tool_choice=ToolChoice(mode="none"), response_format=wanted, stop=('"',)), HELD)
    assert plan == Plan(response_format=wanted, stop=('"',))


def test_an_answer_of_a_schema_is_one_of_the_two():
    wanted = ResponseFormat(type="json_schema", name="n", schema={"type": "object", "required": ["city"]})
    plan = plan_of(ask(response_format=wanted), HELD)
    assert plan.envelope == "value"
    assert fits({"answer": {"city": 1}}, schema_of(plan)) and not fits({"answer": {}}, schema_of(plan))
    schema = schema_of(plan_of(ask(response_format=ResponseFormat(type="json_object")), HELD))
    assert fits({"answer": {}}, schema) and not fits({"answer": "x"}, schema)


@pytest.mark.parametrize(
    ("changes", "model", "param"),
    [
        ({"logprobs": True}, HELD, "logprobs"),
        ({"response_format": ResponseFormat(type="json_object")}, FREE, "response_format"),
        ({"tool_choice": ToolChoice(mode="tool", name="sub")}, HELD, "tool_choice"),
        ({"stop": ("{",)}, HELD, "stop"),
        ({"stop": ("END", "name")}, HELD, "stop"),
    ],
)
def test_what_cannot_be_emulated_is_refused_by_name(changes: dict[str, Any], model: Model, param: str):
    with pytest.raises(InvalidRequest) as refused:
        plan_of(ask(**changes), model)
    assert refused.value.param == param


def test_stop_sequences_are_written_as_they_stand_in_json():
    assert plan_of(ask(stop=("\n\n", 'say "x"', "ñ")), HELD).stop == ("\\n\\n", 'say \\"x\\"', "ñ")


TREE = Tool(
    name="plant",
    parameters={
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/node"}, "code": {"type": "string", "pattern": "x+", "title": "T"}},
        "required": ["root"],
        "$defs": {
            "node": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}
        },
    },
)


def test_references_are_found_where_the_schema_is_put():
    for schema, wrap in ((calls_schema((NOW, TREE), False), None), (either_schema((TREE,), False, {}), "x")):
        good = {"tool_calls": [call("plant", root={"kids": [{"kids": []}]})]}
        assert fits(good, schema)
        assert not fits({"tool_calls": [call("plant", root={"kids": [{"kids": 1}]})]}, schema)
        assert wrap is None or fits({"answer": wrap}, schema)


def test_an_answers_own_references_too():
    answer = {"$ref": "#/definitions/n", "definitions": {"n": {"type": "integer", "pattern": "kept"}}}
    schema = either_schema((TREE,), False, answer)
    assert fits({"answer": 1}, schema) and not fits({"answer": "x"}, schema)
    assert schema["$defs"]["answer"]["definitions"]["n"]["pattern"] == "kept"


def test_only_what_servers_share_of_schemas_is_sent():
    sent = calls_schema((TREE,), True)["$defs"]["tool_0"]
    assert sent["properties"]["code"] == {"type": "string"}
    properties = {"pattern": {"type": "string"}, "title": {"const": 1}}  # names, not keywords
    odd = Tool(name="odd", parameters={"properties": properties, "additionalProperties": False})
    items = calls_schema((odd,), True)["properties"]["tool_calls"]["items"]
    assert items["properties"]["arguments"] == {
        "properties": properties, "additionalProperties": False, "type": "object"
    }  # fmt: skip
