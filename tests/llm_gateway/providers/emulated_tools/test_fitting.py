from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.providers.emulated_tools.fitting import fits

from tests.llm_gateway import values

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["name"],
            "additionalProperties": False,
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, [0, -3, 2.0], [1.5, True, "1", None]),
        ({"type": "number"}, [0, 1.5], [False, "1"]),
        ({"type": "boolean"}, [True], [1, 0, None]),
        ({"type": "null"}, [None], [0, "", False]),
        ({"type": ["string", "null"]}, ["", None], [0]),
        ({"enum": [1, "a"]}, [1, "a"], [True, 2, "A"]),
        ({"const": True}, [True], [1]),
        ({"type": "integer", "minimum": 1, "maximum": 3}, [1, 3], [0, 4]),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, [2, "any"], [1, 3]),
        ({"minLength": 1, "maxLength": 2}, ["a", "😀😀", 7], ["", "abc"]),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}, [["a"]], [[], [1], ["a"] * 3]),
        ({"prefixItems": [{"type": "string"}], "items": False}, [["a"], []], [["a", 1], [1]]),
        ({"required": ["a"], "properties": {"a": {"type": "string"}}}, [{"a": ""}, {"a": "", "b": 1}], [{}, {"a": 1}]),
        ({"properties": {"a": {}}, "additionalProperties": False}, [{"a": 1}, {}], [{"b": 1}]),
        ({"additionalProperties": {"type": "string"}}, [{"a": ""}], [{"a": 1}]),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, [{"x1": 1}], []),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, ["", None], [1]),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1, 2], [0, 3]),
        (TREE, [{"name": "a", "next": {"name": "b", "next": None}}], [{"name": "a", "next": {"nome": "b"}}, {}, 1]),
        (True, [1, None], []),
        (False, [], [1, None]),
        ({"$ref": "https://elsewhere.test/schema"}, [1], []),
        ({"$ref": "#/nowhere"}, [1], []),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "string"}}}, ["x"], [1]),
        ({"type": "unknown", "minimum": "x", "enum": 3, "required": "a", "properties": []}, [1, {}], []),
    ],
)
def test_what_fits(schema: Any, good: list[Any], bad: list[Any]):
    assert [value for value in good if not fits(value, schema)] == []
    assert [value for value in bad if fits(value, schema)] == []


def test_a_reference_in_a_circle_ends():
    assert not fits(1, {"$ref": "#"})


def test_a_schema_that_doubles_at_every_step_ends_too():
    began = time.monotonic()
    assert not fits({}, {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]})
    assert time.monotonic() - began < 5


def test_a_long_list_is_judged_to_its_end():
    schema = {"type": "array", "items": {"type": "integer"}}
    assert fits(list(range(5000)), schema) and not fits([*range(5000), "x"], schema)


@given(value=values.json_values, schema=st.dictionaries(values.names, values.json_values))
def test_any_schema_is_survived(value: Any, schema: Any):
    assert fits(value, schema) in (True, False)


@given(value=values.json_values)
def test_a_value_fits_itself(value: Any):
    assert fits(msgspec.json.decode(msgspec.json.encode(value)), {"const": value})
