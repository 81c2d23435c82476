"""Reading a tool's JSON Schema, whatever shape it has: a part that is not understood takes any value."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .folding import fold, word_set
from .lexicon import meanings

Kind = Literal["number", "integer", "string", "boolean", "array", "object", "any"]

_KINDS: dict[str, Kind] = {
    "number": "number", "integer": "integer", "string": "string", "boolean": "boolean", "array": "array",
    "object": "object",
}  # fmt: skip
COMMANDS = word_set("~sql command ~code ~script ~statement")
"""Parameters that are told what to do: they may change anything."""

_DEEPEST = 6


class Parameter(msgspec.Struct, frozen=True, gc=False):
    """One property. `concepts` are what the words of its name mean; `options` its enumerated values; `items` the kind
    of an array's members; `properties` an object's own; `inside` is the
    object that a flattened one belongs to."""

    name: str
    kind: Kind
    required: bool
    concepts: frozenset[str] = frozenset()
    options: tuple[Any, ...] = ()
    items: Kind = "any"
    properties: tuple[Parameter, ...] = ()
    has_default: bool = False
    inside: str = ""


def read_parameters(schema: Any) -> tuple[Parameter, ...]:
    """The properties of a schema, the required ones first, in the order in which it lists them."""
    return _properties(schema, schema, 0)


def _properties(schema: Any, root: Any, depth: int) -> tuple[Parameter, ...]:
    schema = _resolve(schema, root)
    listed = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(listed, dict) or depth > _DEEPEST:
        return ()
    wanted = schema.get("required")
    required = {name for name in wanted if isinstance(name, str)} if isinstance(wanted, list) else set()
    found = [_parameter(name, part, name in required, root, depth) for name, part in listed.items()]
    return tuple(sorted(found, key=lambda parameter: not parameter.required))


def _parameter(name: str, part: Any, required: bool, root: Any, depth: int) -> Parameter:
    shape = _resolve(part, root)
    options = shape.get("enum")
    if "const" in shape:
        options = [shape["const"]]
    scalars = [item for item in options if isinstance(item, (str, int, float))] if isinstance(options, list) else []
    kind = _kind(shape, scalars)
    return Parameter(
        name=name,
        kind=kind,
        required=required,
        concepts=frozenset(one for word in fold(name).replace("-", "_").split("_") if word for one in meanings(word)),
        options=tuple(scalars[:64]),
        items=_kind(_resolve(shape.get("items"), root), []) if kind == "array" else "any",
        properties=_properties(shape, root, depth + 1) if kind == "object" else (),
        has_default="default" in shape,
    )


def _kind(shape: dict[str, Any], options: list[Any]) -> Kind:
    named = shape.get("type")
    if isinstance(named, list):
        named = next((item for item in named if item != "null"), None)
    if isinstance(named, str) and named in _KINDS:
        return _KINDS[named]
    if "properties" in shape:
        return "object"
    if "items" in shape:
        return "array"
    return "string" if options and all(isinstance(item, str) for item in options) else "any"


def _resolve(part: Any, root: Any) -> dict[str, Any]:
    """The part itself, what its local `$ref` points at, or the first alternative that is not null."""
    for _ in range(_DEEPEST):
        if not isinstance(part, dict):
            return {}
        reference = part.get("$ref")
        if isinstance(reference, str):
            part = _follow(reference, root)
            continue
        alternatives = next((part[key] for key in ("anyOf", "oneOf", "allOf") if isinstance(part.get(key), list)), None)
        if alternatives is None or "type" in part or "properties" in part:
            return part
        chosen = next((item for item in alternatives if isinstance(item, dict) and item.get("type") != "null"), {})
        part = {**chosen, **{key: part[key] for key in ("default",) if key in part}}
    return {}


def _follow(reference: str, root: Any) -> Any:
    node = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        node = node.get(step) if isinstance(node, dict) else None
    return node


def flattened(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """Returns the parameters with an object's own properties in its place."""
    found: list[Parameter] = []
    for item in parameters:
        if item.kind == "object" and item.properties:
            inner = (
                msgspec.structs.replace(one, inside=item.name, required=one.required and item.required)
                for one in item.properties
            )
            found += [one for one in inner if one.kind != "object"]
        else:
            found.append(item)
    return tuple(found)
