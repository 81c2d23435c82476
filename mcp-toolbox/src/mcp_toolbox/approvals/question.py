"""The question that a person is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcp_toolbox.errors import printable

FORM: dict[str, Any] = {"type": "object", "properties": {}}
"""A form without fields: accepting it is the approval."""

_TEXTS = {
    "es": ("La herramienta «{name}» puede borrar o cambiar datos sin vuelta atrás. ¿Permites esta llamada?", "{n} más"),
    "en": ("The tool “{name}” may delete or change data for good. Do you allow this call?", "{n} more"),
}
_MOST_ARGUMENTS = 20
_LONGEST_VALUE = 200


def question(name: str, arguments: Mapping[str, Any], language: str) -> str:
    """Returns the question for a call of the tool `name`, in Spanish or English. It lists the arguments, one per line,
    and cuts long ones; it contains nothing but what the caller has sent."""
    ask, more = _TEXTS.get(language, _TEXTS["es"])
    lines = [f"- {_visible(key, 60)}: {_visible(_json(value), _LONGEST_VALUE)}" for key, value in arguments.items()]
    if len(lines) > _MOST_ARGUMENTS:
        lines[_MOST_ARGUMENTS:] = [f"- … ({more.format(n=len(lines) - _MOST_ARGUMENTS)})"]
    return "\n".join([ask.format(name=_visible(name, 100)), *lines])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _visible(text: str, limit: int) -> str:
    """Returns at most `limit` characters of `text` with invisible ones replaced, such as those that change the
    direction of writing."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in printable(text, limit))
