"""Converts JSON schemas to the form that Anthropic's structured outputs take.

Every object needs `additionalProperties: false`, and bounds of numbers and lengths are refused. They are moved to the
description, where the model still reads them.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from typing import Any

import msgspec

_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords that hold schemas by name."""

_NESTED = ("items", "prefixItems", "contains", "anyOf", "oneOf", "allOf", "not", "if", "then", "else")
"""Keywords that hold a schema or a list of them."""

_BOUNDS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems",
    "uniqueItems", "minProperties", "maxProperties",
)  # fmt: skip


def closed(schema: Any) -> Any:
    """Returns `schema` with all nested schemas converted; any other value is returned unchanged."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _inner(name, value) for name, value in schema.items() if not _is_bound(name, value)}
    bounds = {name: value for name, value in schema.items() if name not in kept}
    if bounds:
        told = ", ".join(f"{name}: {msgspec.json.encode(value).decode()}" for name, value in bounds.items())
        kept["description"] = f"{kept['description']} ({told})" if kept.get("description") else f"({told})"
    if kept.get("type") == "object" and "additionalProperties" not in kept:
        kept["additionalProperties"] = False
    return kept


def _inner(keyword: str, value: Any) -> Any:
    if keyword in _NAMED and isinstance(value, dict):
        return {name: closed(inner) for name, inner in value.items()}
    return closed(value) if keyword in _NESTED else value


def _is_bound(keyword: str, value: Any) -> bool:
    return keyword in _BOUNDS or (keyword == "minItems" and value not in (0, 1))
