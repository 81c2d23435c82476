"""The question that a person is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcp_toolbox.errors import printable

FORM: dict[str, Any] = {"type": "object", "properties": {}}
"""Nothing to fill in: to accept is to approve."""

_TEXTS = {
    "es": ("La herramienta «{name}» puede borrar o cambiar datos sin vuelta atrás. ¿Permites esta llamada?", "{n} más"),
    "en": ("The tool “{name}” may delete or change data for good. Do you allow this call?", "{n} more"),
}
_MOST_ARGUMENTS = 20
_LONGEST_VALUE = 200


def question(name: str, arguments: Mapping[str, Any], language: str) -> str:
    """Names the tool and its arguments, a line each, cut where they are long: nothing but what the caller sent."""
    ask, more = _TEXTS.get(language, _TEXTS["es"])
    lines = [f"- {_visible(key, 60)}: {_visible(_json(value), _LONGEST_VALUE)}" for key, value in arguments.items()]
    if len(lines) > _MOST_ARGUMENTS:
        lines[_MOST_ARGUMENTS:] = [f"- … ({more.format(n=len(lines) - _MOST_ARGUMENTS)})"]
    return "\n".join([ask.format(name=_visible(name, 100)), *lines])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _visible(text: str, limit: int) -> str:
    """Without characters that do not show, such as those that turn the direction of writing around."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in printable(text, limit))
