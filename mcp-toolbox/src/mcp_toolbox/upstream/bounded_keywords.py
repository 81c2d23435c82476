"""JSON Schema's keywords with bounded work, because a schema, and the value that it is put to, may be malicious.

Each keyword that is applied costs a step, and more where it goes through long lists, matches long texts or explains
itself at length: a step stands for about ten microseconds. `unevaluated…` and `format` are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from pydantic_core import SchemaError as PatternError
from pydantic_core import SchemaValidator, core_schema

from mcp_toolbox.errors import printable

MAX_PROBLEMS = 5
_MAX_MESSAGE = 300
_MAX_PATTERNS = 4096
_ITEMS_PER_STEP = 32
_PAIRS_PER_STEP = 8
_CHARS_PER_STEP = 4096

_steps_left: ContextVar[int] = ContextVar("steps_left")

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


class TooManySteps(Exception):
    """The check was given up."""


def bounded_errors(validator: Validator, value: Any, steps: int) -> Iterator[ValidationError]:
    """Yields the errors of `value`; `validator` is one of `bounded`.

    Raises:
        TooManySteps: it would take more than `steps`.
    """
    _steps_left.set(steps)
    yield from validator.iter_errors(value)


@cache
def bounded(dialect: type[Validator]) -> Callable[..., Validator]:
    """Returns `dialect` with keywords that count their steps, and without any that may take long."""
    ours: dict[str, Keyword] = {
        "const": _const,
        "enum": _enum,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
        "unevaluatedProperties": _unchecked,
        "unevaluatedItems": _unchecked,
        "format": _unchecked,
    }
    keywords: dict[str, Keyword] = {**dialect.VALIDATORS, **ours}
    return extend(dialect, {name: _counted(keywords[name]) for name in dialect.VALIDATORS})


def _take(steps: int) -> None:
    left = _steps_left.get() - steps
    if left < 0:
        raise TooManySteps
    _steps_left.set(left)


def _counted(keyword: Keyword) -> Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _take(1 + (_length(value) + _length(instance)) // _ITEMS_PER_STEP)
        for error in keyword(validator, value, instance, schema) or ():
            # Many messages hold the whole instance, and those of `anyOf` are kept until its last branch.
            _take(len(error.message) // _CHARS_PER_STEP)
            error.message = printable(error.message, _MAX_MESSAGE)
            yield error

    return counted


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _unchecked(validator: Any, value: Any, instance: Any, schema: Any) -> None:
    """Accepts everything: the keyword is left to the server. The library's implementation would match patterns with
    another engine."""


def _const(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not _is_one_of(instance, [wanted]):
        yield ValidationError(f"{_shown(wanted)} was expected")


def _enum(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(wanted, list) and not _is_one_of(instance, wanted):
        shown = ", ".join(_shown(each) for each in wanted[:MAX_PROBLEMS])
        more = ", …" if len(wanted) > MAX_PROBLEMS else ""
        yield ValidationError(f"{_shown(instance)} is not one of [{shown}{more}]")


def _is_one_of(instance: Any, values: list[Any]) -> bool:
    """Compares as Python does, which is fast, and takes `true` for 1; that is told apart unless it is deep inside."""
    at = -1
    with suppress(ValueError):
        while True:
            at = values.index(instance, at + 1)
            if isinstance(values[at], bool) == isinstance(instance, bool):
                return True
    return False


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return repr(printable(value)) if isinstance(value, str) else str(value)[:_MAX_MESSAGE]


@lru_cache(_MAX_PATTERNS)
def _matcher(pattern: str) -> SchemaValidator | None:
    """Returns a matcher, or None for a pattern that the linear engine does not support (look-around, back references);
    such a pattern is not checked."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except PatternError:
        return None


def _matches(pattern: str, text: str) -> bool | None:
    _take(len(text) // _CHARS_PER_STEP)
    matcher = _matcher(pattern)
    return None if matcher is None else matcher.isinstance_python(text)


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and _matches(pattern, instance) is False:
        yield ValidationError(f"{printable(instance)!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    _take(len(patterns) * len(instance) // _PAIRS_PER_STEP)
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if _matches(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    _take(len(patterns) * len(instance) // _PAIRS_PER_STEP)
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
        yield ValidationError("unknown: " + ", ".join(printable(name) for name in extras[:MAX_PROBLEMS]))


def _unique_items(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list) and len({_key(item) for item in instance}) < len(instance):
        yield ValidationError("has two equal items")


def _key(value: Any) -> Any:
    """Returns a value that is equal for equal ones (JSON Schema, 4.2.2: 1 is 1.0, and not true) and can be hashed, so
    that not all pairs have to be compared."""
    _take(_length(value) // _PAIRS_PER_STEP)
    if isinstance(value, dict):
        return frozenset((name, _key(part)) for name, part in value.items())
    if isinstance(value, list):
        return tuple(map(_key, value))
    return (type(value), value) if isinstance(value, bool) else value
