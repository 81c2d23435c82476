"""Schemas of other servers: those that every client compiles once they are self-contained, and those that none may get.

Each is the schema of the property `s`, with `root` merged into the whole.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def whole(part: Any, **root: Any) -> Schema:
    return {"type": "object", "properties": {"s": part}, **root}


TEXT = {"type": "string"}
D7, D2020 = "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"

USABLE: dict[str, Schema] = {
    "pointer": whole({"$ref": "#/$defs/A"}, **{"$defs": {"A": TEXT}}),
    "definitions": whole({"$ref": "#/definitions/A"}, definitions={"A": TEXT}),
    "elsewhere in the schema": whole({"$ref": "#/components/schemas/A"}, components={"schemas": {"A": TEXT}}),
    "escaped pointer": whole({"$ref": "#/$defs/a~1b%20c%25~0d"}, **{"$defs": {"a/b c%~d": TEXT}}),
    "non-Latin pointer": whole({"$ref": "#/$defs/año"}, **{"$defs": {"año": TEXT}}),
    "anchor": whole({"$ref": "#a"}, **{"$defs": {"A": {"$anchor": "a", **TEXT}}}),
    "draft-07's anchor": whole({"$ref": "#a"}, **{"$schema": D7, "definitions": {"A": {"$id": "#a", **TEXT}}}),
    "dynamic anchor": whole({"$dynamicRef": "#a"}, **{"$defs": {"A": {"$dynamicAnchor": "a", **TEXT}}}),
    "id": whole({"$ref": "item"}, **{"$id": "https://x.example/r", "$defs": {"A": {"$id": "item", **TEXT}}}),
    "id, whole address": whole({"$ref": "https://x.example/r#/$defs/A"},
                               **{"$id": "https://x.example/r", "$defs": {"A": TEXT}}),
    "urn": whole({"$ref": "#/$defs/A"}, **{"$id": "urn:uuid:0001", "$defs": {"A": TEXT}}),
    "tree": whole({"type": "array", "items": {"$ref": "#"}}),
    "tree by dynamic anchor": whole({"type": "array", "items": {"$dynamicRef": "#node"}}, **{"$dynamicAnchor": "node"}),
    "two references": whole({"$ref": "#/$defs/A", "$dynamicRef": "#b"},
                            **{"$defs": {"A": TEXT, "B": {"$dynamicAnchor": "b", "minLength": 1}}}),
    "one id": whole(TEXT, **{"$id": "same"}),
    "the same id again": whole({"type": "string", "maxLength": 5}, **{"$id": "same"}),
    "an older draft's id": whole({"id": "x", **TEXT}),
    "nullable": whole({"nullable": True, "anyOf": [TEXT, {"type": "number"}]}),
    "nullable null": whole({"nullable": False, "type": ["string", "null"]}),
    "async": whole(TEXT, **{"$async": True}),
    "true and false": {"type": "object", "properties": {"s": TEXT, "t": True, "u": False}},
    "tuple of draft-07": whole({"type": "array", "items": [TEXT]}, **{"$schema": D7}),
    "tuple of 2020-12": whole({"type": "array", "prefixItems": [TEXT]}, **{"$schema": D2020}),
    "properties with names of keywords": whole(TEXT, required=["s"], **{
        "$defs": {"id": TEXT, "enum": TEXT}, "dependentRequired": {"enum": []}}),
    "unknown format": whole({"format": "phone", **TEXT}),
    "pattern": whole({"pattern": r"^\p{Lu}[\w.-]+(?<year>\d{4})$", **TEXT}),
}  # fmt: skip

UNUSABLE: dict[str, Schema] = {
    "dangling": whole({"$ref": "#/$defs/Missing"}),
    "dangling in a part that nothing uses": whole(TEXT, **{"$defs": {"A": {"$ref": "#/$defs/Missing"}}}),
    "dangling behind a reference": whole({"$ref": "#/x-parts/A"}, **{"x-parts": {"A": {"items": {"$ref": "#/nope"}}}}),
    "dangling under not": whole({"not": {"$ref": "#/nope"}}),
    "dangling in a condition": whole({"if": {"$ref": "#/nope"}}),
    "dangling in a pattern's property": whole(TEXT, patternProperties={"a": {"$ref": "#/nope"}}),
    "dangling in an old dependency": whole(TEXT, dependencies={"a": {"$ref": "#/nope"}}),
    "dangling under an unknown keyword": whole({"x-more": {"$ref": "#/nope"}}),
    "anchor": whole({"$ref": "#b"}, **{"$defs": {"A": {"$anchor": "a"}}}),
    "anchor of another resource": whole({"$ref": "#a"}, **{"$defs": {"A": {"$id": "other", "$anchor": "a"}}}),
    "dynamic": whole({"$dynamicRef": "#a"}),
    "another document": whole({"$ref": "https://x.example/y.json"}),
    "a file": whole({"$ref": "file:///etc/passwd"}),
    "a relative document": whole({"$ref": "other.json#/A"}),
    "the meta-schema": whole({"$ref": D7}),
    "no address": whole({"$ref": "http://[bad"}),
    "a number": whole({"$ref": 5}),
    "no schema there": whole({"$ref": "#/required"}, required=["s"]),
    "an item that is not there": whole({"$ref": "#/allOf/7"}, allOf=[{}]),
    "two ids": whole(TEXT, **{"$defs": {"A": {"$id": "q"}, "B": {"$id": "q"}}}),
    "two anchors": whole(TEXT, **{"$defs": {"A": {"$anchor": "q"}, "B": {"$anchor": "q"}}}),
    "itself": whole({"$ref": "#/properties/s"}),
    "itself, over two": whole({"$ref": "#/$defs/A"},
                              **{"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}}),
    "itself, in allOf": whole({"$ref": "#/$defs/A"}, **{"$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}}),
    "a bomb": whole({"$ref": "#/$defs/d0"}, **{"$defs": {
        **{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}, "d40": {}}}),
    "draft-04": whole(TEXT, **{"$schema": "http://json-schema.org/draft-04/schema#"}),
    "2019-09": whole(TEXT, **{"$schema": "https://json-schema.org/draft/2019-09/schema"}),
    "a dialect of its own": whole(TEXT, **{"$schema": "https://x.example/dialect"}),
    "a dialect that is no text": whole(TEXT, **{"$schema": 7}),
    "a part of another dialect": whole({"$schema": "https://json-schema.org/draft/2019-09/schema", **TEXT}),
    "pattern": whole({"pattern": "(", **TEXT}),
    "Python's pattern": whole({"pattern": "(?P<a>x)", **TEXT}),
    "PCRE's pattern": whole({"pattern": "(?i)x", **TEXT}),
    "a pattern's property": whole(TEXT, patternProperties={"[": {"type": "string"}}),
    "a pattern of names": whole({"propertyNames": {"pattern": "a{2,1}"}}),
    "a pattern behind a reference": whole({"$ref": "#/x/A"}, x={"A": {"pattern": "*"}}),
    "enum": whole({"enum": []}),
    "type": whole({"type": "any"}),
    "null": {"type": "object", "properties": {"a": None}},
    "deep": whole({"not": {"not": {"not": {"type": "nothing"}}}}),
    "large": whole({"description": "x" * 200_000}),
}  # fmt: skip

LAX = whole({"pattern": r"[\w-.]+\@x", **TEXT})
"""Its pattern compiles without the flag `u` alone."""
