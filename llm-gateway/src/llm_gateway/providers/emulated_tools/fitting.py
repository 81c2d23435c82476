"""Whether a value fits a JSON Schema, as far as tools' parameters use it.

Keywords that are not known here are not judged, and neither is `pattern`: a caller's regular expression could keep the
process busy for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_DEEPEST = 64
_MOST_STEPS = 50_000
"""A schema of a few lines that refers to itself twice can take for ever to judge; what is beyond this does not fit."""

_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
}

_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
}

_SIZES: dict[str, tuple[type, Callable[[int, int], bool]]] = {
    "minLength": (str, lambda size, bound: size >= bound),
    "maxLength": (str, lambda size, bound: size <= bound),
    "minItems": (list, lambda size, bound: size >= bound),
    "maxItems": (list, lambda size, bound: size <= bound),
    "minProperties": (dict, lambda size, bound: size >= bound),
    "maxProperties": (dict, lambda size, bound: size <= bound),
}


def fits(value: Any, schema: Any) -> bool:
    """Returns whether `value`, as decoded from JSON, fits `schema`; what is no schema takes everything."""
    return _Fitting(schema).fits(value, schema, 0)


class _Fitting:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._steps = 0

    def fits(self, value: Any, schema: Any, depth: int) -> bool:
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            return True
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            return False
        reference = schema.get("$ref")
        if isinstance(reference, str) and not self.fits(value, self._referred(reference), depth + 1):
            return False
        return (
            _of_type(value, schema.get("type"))
            and _one_of(value, schema)
            and _within(value, schema)
            and self._combined(value, schema, depth)
            and self._members(value, schema, depth)
            and self._items(value, schema, depth)
        )

    def _referred(self, reference: str) -> Any:
        """Returns the part of the schema that a local reference names; any other takes everything."""
        if not reference.startswith("#"):
            return True
        node = self._root
        for step in filter(None, reference[1:].split("/")):
            node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        return True if node is None else node

    def _combined(self, value: Any, schema: dict[str, Any], depth: int) -> bool:
        for name in ("anyOf", "oneOf"):
            parts = schema.get(name)
            if isinstance(parts, list) and not any(self.fits(value, part, depth + 1) for part in parts):
                return False
        parts = schema.get("allOf")
        return not isinstance(parts, list) or all(self.fits(value, part, depth + 1) for part in parts)

    def _members(self, value: Any, schema: dict[str, Any], depth: int) -> bool:
        if not isinstance(value, dict):
            return True
        required = schema.get("required")
        if isinstance(required, list) and any(name not in value for name in required):
            return False
        known = schema.get("properties")
        known = known if isinstance(known, dict) else {}
        rest = True if "patternProperties" in schema else schema.get("additionalProperties", True)
        return all(self.fits(member, known.get(name, rest), depth + 1) for name, member in value.items())

    def _items(self, value: Any, schema: dict[str, Any], depth: int) -> bool:
        if not isinstance(value, list):
            return True
        first = schema.get("prefixItems")
        first = first if isinstance(first, list) else []
        rest = schema.get("items", True)
        return all(
            self.fits(item, first[number] if number < len(first) else rest, depth + 1)
            for number, item in enumerate(value)
        )


def _of_type(value: Any, type_: Any) -> bool:
    names = type_ if isinstance(type_, list) else [type_]
    checks = [_TYPES[name] for name in names if isinstance(name, str) and name in _TYPES]
    return not checks or any(check(value) for check in checks)


def _one_of(value: Any, schema: dict[str, Any]) -> bool:
    options = schema.get("enum")
    if isinstance(options, list) and not any(_same(value, option) for option in options):
        return False
    return "const" not in schema or _same(value, schema["const"])


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON has it: `true` is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _within(value: Any, schema: dict[str, Any]) -> bool:
    if _TYPES["number"](value):
        return all(holds(value, schema[name]) for name, holds in _BOUNDS.items() if _TYPES["number"](schema.get(name)))
    return all(
        holds(len(value), schema[name])
        for name, (kind, holds) in _SIZES.items()
        if isinstance(value, kind) and _TYPES["integer"](schema.get(name))
    )
