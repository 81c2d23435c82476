"""Checks against other servers' JSON Schemas, with bounded work, because a schema may be malicious.

Patterns are matched by an engine with linear time (Rust's, which pydantic contains), references cannot leave the
schema, and a check that takes too many steps is given up. What is not checked here is left to the server, which has the
schema; the only loss is an early, readable error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from jsonschema_specifications import REGISTRY as SPECIFICATIONS
from pydantic_core import SchemaError as PatternError
from pydantic_core import SchemaValidator, core_schema, to_json
from referencing import Registry
from referencing.exceptions import Unresolvable

from mcp_toolbox.errors import printable
from mcp_toolbox.upstream.self_contained import DIALECTS, UnusableSchema, self_contained

MAX_BYTES = 128 * 1024
_MAX_DEPTH = 64
_MAX_STEPS = 10_000
_MAX_SCHEMA_STEPS = 500_000
_MAX_UNIQUE = 1_000
_MAX_PROBLEMS = 5
_MAX_MESSAGE = 300

_steps_left: ContextVar[int] = ContextVar("steps_left")

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


class _TooManySteps(Exception):
    pass


class SchemaCheck:
    """One compiled schema. `schema` is the form of it that clients may get, and `notes` say what was taken out of it;
    both are those of `self_contained`.

    Raises:
        UnusableSchema: it is not a JSON Schema that every client compiles, or it is too large or too deep.
    """

    def __init__(self, schema: dict[str, Any], *, drop_patterns: bool = False) -> None:
        _refuse_size(schema)
        declared = schema.get("$schema", "")
        if not isinstance(declared, str) or (declared and declared not in DIALECTS):
            raise UnusableSchema("is of another dialect than 2020-12 or draft-07")
        dialect = jsonschema.Draft7Validator if "draft-07" in declared else jsonschema.Draft202012Validator
        try:
            if any(_bounded_errors(_of_schemas(dialect), schema, _MAX_SCHEMA_STEPS)):
                raise UnusableSchema("is no JSON Schema")
            self.schema, self.notes = self_contained(schema, drop_patterns=drop_patterns)
            # Without `$schema`: where a reference leads back to the root, the library would choose a validator by it,
            # which counts no steps.
            rules = {keyword: value for keyword, value in self.schema.items() if keyword != "$schema"}
            self._validator: Validator = _bounded(dialect)(rules, registry=Registry())
        except (_TooManySteps, Unresolvable, RecursionError) as error:
            raise UnusableSchema("cannot be checked") from error

    def problems(self, value: Any) -> list[tuple[str, str]]:
        """Returns at most five problems of `value`, each a path and a text. If the check was given up, only those found
        so far."""
        found: list[tuple[str, str]] = []
        try:
            for error in _bounded_errors(self._validator, value, _MAX_STEPS):
                path = ".".join(printable(str(step)) for step in error.absolute_path)
                found.append((path, printable(error.message, _MAX_MESSAGE)))
                if len(found) == _MAX_PROBLEMS:
                    break
        except (_TooManySteps, Unresolvable, RecursionError):
            return found
        return found


def _bounded_errors(validator: Validator, value: Any, steps: int) -> Iterator[ValidationError]:
    _steps_left.set(steps)
    yield from validator.iter_errors(value)


def _refuse_size(schema: dict[str, Any]) -> None:
    if _depth_exceeds(schema, _MAX_DEPTH):
        raise UnusableSchema(f"is more than {_MAX_DEPTH} levels deep")
    if len(to_json(schema)) > MAX_BYTES:
        raise UnusableSchema(f"has more than {MAX_BYTES} bytes")


def _depth_exceeds(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ())
            if isinstance(part, dict | list)
        ]
        if not level:
            return False
    return True


@cache
def _of_schemas(dialect: type[Validator]) -> Validator:
    """Returns the validator of schemas themselves; the library's own check is not bounded."""
    meta: Any = dialect.META_SCHEMA
    return _bounded(validator_for(meta, default=dialect))(meta, registry=SPECIFICATIONS)


@cache
def _bounded(dialect: type[Validator]) -> Callable[..., Validator]:
    """Returns `dialect` with keywords that count their steps, and without any that may take long."""
    ours: dict[str, Keyword] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items(dialect.VALIDATORS.get("uniqueItems")),
        "unevaluatedProperties": _unchecked,
        "unevaluatedItems": _unchecked,
        "format": _unchecked,
    }
    keywords: dict[str, Keyword] = {**dialect.VALIDATORS, **ours}
    return extend(dialect, {name: _counted(keywords[name]) for name in dialect.VALIDATORS})


def _counted(keyword: Keyword) -> Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError] | None:
        left = _steps_left.get() - 1
        if left < 0:
            raise _TooManySteps
        _steps_left.set(left)
        return keyword(validator, value, instance, schema)

    return counted


def _unchecked(validator: Any, value: Any, instance: Any, schema: Any) -> None:
    """Accepts everything: the keyword is left to the server. The library's implementation would match patterns with
    another engine."""


@cache
def _matcher(pattern: str) -> SchemaValidator | None:
    """Returns a matcher, or None for a pattern that the linear engine does not support (look-around, back references);
    such a pattern is not checked."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except PatternError:
        return None


def _matches(pattern: str, text: str) -> bool | None:
    matcher = _matcher(pattern)
    return None if matcher is None else matcher.isinstance_python(text)


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and _matches(pattern, instance) is False:
        yield ValidationError(f"{printable(instance)!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if _matches(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    extras = [
        name
        for name in instance
        if name not in schema.get("properties", {})
        and not any(_matches(pattern, name) is not False for pattern in patterns)
    ]
    if isinstance(allowed, dict):
        for name in extras:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extras:
        yield ValidationError("unknown: " + ", ".join(printable(name) for name in extras[:_MAX_PROBLEMS]))


def _unique_items(keyword: Keyword | None) -> Keyword:
    def unique(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError] | None:
        if keyword is None or not isinstance(instance, list) or len(instance) > _MAX_UNIQUE:
            return None  # comparing all pairs takes quadratic time
        return keyword(validator, wanted, instance, schema)

    return unique
