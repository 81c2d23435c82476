from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import Tool
from llm_gateway.providers.emulated_tools.calls import Called, read_calls

ADD = Tool(
    name="add",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
)
NOW = Tool(name="now")
TOOLS = (ADD, NOW)
CALL = Called("add", '{"a": 1, "b": 2}')


@pytest.mark.parametrize(
    "written",
    [
        '{"tool_calls":[{"name":"add","arguments":{"a": 1, "b": 2}}]}',
        '{"name":"add","arguments":{"a": 1, "b": 2}}',
        '[{"name":"add","arguments":{"a": 1, "b": 2}}]',
        '{"name":"add","parameters":{"a": 1, "b": 2}}',
        '{"id":"x","type":"function","function":{"name":"add","arguments":"{\\"a\\": 1, \\"b\\": 2}"}}',
        ' {"arguments" : {"a": 1, "b": 2} , "name" : "add"} ',
    ],
)
def test_a_call_in_each_of_its_forms(written: str):
    assert read_calls(written.strip(), TOOLS) == (CALL,)


def test_several_calls_keep_their_order_and_their_text():
    written = (
        '{"tool_calls":[{"name":"now","arguments":{}},{"name":"add","arguments":{"a":1.50,"b":12345678901234567890}}]}'
    )
    assert read_calls(written, TOOLS) == (Called("now", "{}"), Called("add", '{"a":1.50,"b":12345678901234567890}'))


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "{}",
        "[]",
        "null",
        '{"tool_calls":[]}',
        '{"tool_calls":{}}',
        '{"name":"add"}',
        '{"name":"Add","arguments":{"a":1,"b":2}}',
        '{"name":"rm","arguments":{}}',
        '{"name":5,"arguments":{}}',
        '{"name":"add","arguments":{"a":1}}',
        '{"name":"add","arguments":{"a":1,"b":"2"}}',
        '{"name":"add","arguments":{"a":1,"b":2,"c":3}}',
        '{"name":"add","arguments":[1,2]}',
        '{"name":"add","arguments":null}',
        '{"name":"add","arguments":"1, 2"}',
        '{"name":"add","arguments":{"a":NaN,"b":1e999}}',
        "{'name':'add','arguments':{'a':1,'b':2}}",
        '{"tool_calls":[{"name":"add","arguments":{"a":1,"b":2}},{"name":"nope","arguments":{}}]}',
        '{"function":"add","arguments":{"a":1,"b":2}}',
        '{"tool_calls":' + "[" * 100_000,
        '{"name":"now","arguments":' + '{"a":' * 100_000,
        '{"name":"\ud800","arguments":{}}',
    ],
)
def test_what_is_no_call(written: str):
    assert read_calls(written, TOOLS) is None


@given(text=st.text(alphabet='{}[]":,\\ab1 \n', max_size=40))
def test_any_text_is_survived(text: str):
    read_calls(text, TOOLS)
