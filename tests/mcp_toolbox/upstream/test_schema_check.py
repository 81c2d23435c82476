"""Malicious schemas of servers are checked with bounded work."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from mcp_toolbox.upstream.schema_check import SchemaCheck
from mcp_toolbox.upstream.self_contained import UnusableSchema


def fits(schema: dict[str, Any], value: Any) -> bool:
    return not SchemaCheck(schema).problems(value)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "object", "required": ["a"]}, {"a": 1}, {}),
        ({"properties": {"a": {"type": "integer"}}, "additionalProperties": False}, {"a": 1}, {"b": 1}),
        ({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False}, {"xa": "1"}, {"y": 1}),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"y": 1}, {"x": 1}),
        ({"additionalProperties": {"type": "string"}}, {"a": "1"}, {"a": 1}),
        ({"properties": {"a": {"pattern": "^b+$"}}}, {"a": "bb"}, {"a": "c"}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"required": ["b"]}}}, {"b": 1}, {}),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": 1}, {"c": 1}),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [1, 2]}, {"a": [1, 1]}),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {"const": 1}},
          "properties": {"x": {"$ref": "#/definitions/a"}}}, {"x": 1}, {"x": 2}),
        ({"$schema": "https://json-schema.org/draft-07/schema", "properties": {"a": {"items": [{"type": "string"}]}}},
         {"a": ["x", 1]}, {"a": [1]}),
    ],
)  # fmt: skip
def test_schemas_are_what_they_say(schema: dict[str, Any], good: Any, bad: Any):
    assert fits(schema, good)
    assert not fits(schema, bad)


def test_a_problem_has_its_path_and_is_short():
    check = SchemaCheck({"properties": {"a": {"items": {"type": "string"}}}})
    ((path, message),) = check.problems({"a": ["x", {"y": "z" * 10_000}]})
    assert path == "a.1"
    assert len(message) < 400
    assert len(check.problems({"a": list(range(100))})) == 5


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5}, {"properties": []}, {"required": "a"}, {"properties": {"a": {"type": "sting"}}}, {"$ref": 7},
        {"description": "x" * 200_000},
    ],
)  # fmt: skip
def test_what_is_no_schema_is_refused(schema: dict[str, Any]):
    with pytest.raises(UnusableSchema):
        SchemaCheck(schema)


def test_a_schema_without_a_bottom_is_refused():
    schema: dict[str, Any] = {}
    for _ in range(10_000):
        schema = {"not": schema}
    with pytest.raises(UnusableSchema, match="levels deep"):
        SchemaCheck(schema)


BOMB = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)} | {"d40": {"type": "object"}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, {}),
        ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, {}),
        ({"$ref": "#/$defs/d0", "$defs": BOMB}, {}),
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 50_000 + "!"}),
        ({"properties": {"a": {"pattern": "(?=(a+)+$)"}}}, {"a": "a" * 60 + "!"}),
        ({"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, {"a" * 5_000 + "!": 1}),
        ({"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False}, {"a" * 60 + "!": 1}),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [{"x": n} for n in range(20_000)]}),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, {}),
        ({"$ref": "file:///etc/passwd"}, {}),
        ({"properties": {"a": {"$ref": "other.json#/x"}}}, {"a": 1}),
        ({"$ref": "#/$defs/missing"}, {}),
        ({"$dynamicRef": "#x", "$dynamicAnchor": "x"}, {}),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_hostile_schema_costs_little(schema: dict[str, Any], value: Any):
    started = time.process_time()
    with contextlib.suppress(UnusableSchema):
        SchemaCheck(schema).problems(value)
    assert time.process_time() - started < 2


def test_a_dialect_that_is_named_within_leads_to_no_unbounded_check():
    node = {"type": "object", "properties": {"next": {"$ref": "#"}, "a": {"pattern": "^(a+)+$"}}}
    value = {"next": {"a": "a" * 60 + "!"}}
    for dialect in ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"):
        started = time.process_time()
        assert SchemaCheck({"$schema": dialect, **node}).problems(value)
        assert time.process_time() - started < 2


def test_a_hostile_list_in_a_schema_costs_little():
    started = time.process_time()
    with pytest.raises(UnusableSchema):
        SchemaCheck({"required": [n % 10 if n % 2 else {} for n in range(20_000)]})
    assert time.process_time() - started < 5


def _in_a_list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": {"type": "array", "items": items}}}


HOSTILE = {
    "pairs of patterns and names": (
        {"patternProperties": {f"^a{number}$": {} for number in range(4000)}, "additionalProperties": {}},
        [{f"b{number}": 1 for number in range(1000)}] * 9,
    ),
    "equal items": ({"uniqueItems": True}, [[{"a": "x" * 1000, "b": number} for number in range(1000)]] * 50),
    "a long enum": ({"enum": list(range(100_000, 118_000))}, [117_999] * 9000),
    "a long enum of objects": ({"enum": [{"a": number} for number in range(9000)]}, [{"a": 8999}] * 9000),
    "many properties": ({"dependentRequired": {f"a{n}": ["z"] for n in range(4000)}}, [{}] * 9000),
    "a long constant": ({"const": list(range(10_000))}, [list(range(10_000))] * 200),
    "long explanations": ({"anyOf": [{"type": "string"}] * 1000}, [["y" * 1000] * 1000] * 20),
    "items without keywords": ({"title": "x"}, [0] * 3_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_schema_makes_a_check_long(name: str):
    items, value = HOSTILE[name]
    check = SchemaCheck(_in_a_list(items))
    began = time.thread_time()
    check.problems({"x": value})
    assert time.thread_time() - began < 2  # without limits these take minutes


def test_equal_items_are_those_of_json():
    check = SchemaCheck({"type": "object", "properties": {"x": {"uniqueItems": True}}})
    for equal in ([1, 1.0], [{"a": 1, "b": [2]}, {"b": [2], "a": 1}], [[], []], [None, None]):
        assert check.problems({"x": equal}), equal
    for different in ([1, True], [0, False], ["1", 1], [[1], [True]], [{}, []], [{"a": 1}, {"a": 2}]):
        assert not check.problems({"x": different}), different


@pytest.mark.parametrize("keyword", ["enum", "const"])
def test_true_is_not_one(keyword: str):
    def problems(allowed: Any, value: Any) -> list[tuple[str, str]]:
        wanted = [allowed] if keyword == "enum" else allowed
        return SchemaCheck({"type": "object", "properties": {"x": {keyword: wanted}}}).problems({"x": value})

    assert problems(1, True)
    assert problems(False, 0)
    assert not problems(1, 1.0)
    assert not problems({"a": [1]}, {"a": [1]})


def test_a_text_that_is_none_costs_its_schema():
    with pytest.raises(UnusableSchema):
        SchemaCheck({"type": "object", "properties": {"\ud800": {"type": "string"}}})
