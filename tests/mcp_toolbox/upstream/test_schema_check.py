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
