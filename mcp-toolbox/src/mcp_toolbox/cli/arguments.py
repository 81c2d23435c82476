"""A tool's arguments as a person writes them: `a=5 name=Ana tags:='["x"]'`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mcp_toolbox.cli.texts import Texts

_READ = {"integer", "number", "boolean", "array", "object", "null"}


class WrongArgument(Exception):
    """An argument cannot be read; the text says which."""


def arguments_of(words: Sequence[str], schema: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """Returns the arguments in `words`. What the tool's schema does not call a text is read as JSON.

    Raises:
        WrongArgument: a word is no argument, or its value not of the schema's type.
    """
    given: dict[str, Any] = {}
    for word in words:
        name, value = _argument(word, schema.get("properties") or {}, texts)
        if name in given:
            raise WrongArgument(texts("twice", name=name))
        if not _can_be_sent(value):
            raise WrongArgument(texts("no_text", name=name))
        given[name] = value
    return given


def _can_be_sent(value: Any) -> bool:
    """Returns whether JSON can hold the value: bytes of a command line that are no text become half characters."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _argument(word: str, properties: Mapping[str, Any], texts: Texts) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    literal = name.endswith(":")
    name = name.removesuffix(":")
    if not equals or not name:
        raise WrongArgument(texts("argument", text=word))
    kinds = {"JSON"} if literal else _kinds(properties.get(name))
    if kinds and not literal and "string" in kinds:
        return name, value
    try:
        read = json.loads(value)
    except ValueError:
        if kinds:
            raise WrongArgument(texts("value", name=name, text=value, kind=" / ".join(sorted(kinds)))) from None
        return name, value
    return name, read


def _kinds(schema: Any) -> set[str]:
    """Returns the types of JSON that a schema names; none if it does not say."""
    if not isinstance(schema, Mapping):
        return set()
    named = schema.get("type")
    kinds = {named} if isinstance(named, str) else set(named) if isinstance(named, list) else set()
    for inner in [*(schema.get("anyOf") or ()), *(schema.get("oneOf") or ())]:
        kinds |= _kinds(inner)
    return kinds & (_READ | {"string"})
