"""The question that a person is asked. It hides nothing without saying so: of a long text both ends are shown and the
length of the rest is told, and a call whose structure cannot be shown whole is not asked about at all."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from mcp_toolbox.errors import printable
from mcp_toolbox.invisible import VARIATIONS, is_invisible

FORM: dict[str, Any] = {"type": "object", "properties": {}}
"""A form without fields: accepting it is the approval."""

_TEXTS = {
    "es": {
        "ask": "La herramienta «{name}» puede borrar o cambiar datos sin vuelta atrás. ¿Permites esta llamada?",
        "more": "{n} más",
        "cut": "[… {n} caracteres que no se muestran …]",
        "hidden": "ATENCIÓN: hay partes largas que no se muestran enteras, y podrían esconder algo peligroso.",
    },
    "en": {
        "ask": "The tool “{name}” may delete or change data for good. Do you allow this call?",
        "more": "{n} more",
        "cut": "[… {n} characters that are not shown …]",
        "hidden": "CAUTION: long parts are not shown whole, and could hide something dangerous.",
    },
}
_MOST_ARGUMENTS = 20
_LONGEST_NAME = 60
_LONGEST_VALUE = 160
_LONGEST_STRUCTURE = 1_000


def question(name: str, arguments: Mapping[str, Any], language: str) -> str:
    """Returns the question for a call of the tool `name`, in Spanish or English. It lists the arguments, one per line,
    and contains nothing but what the caller has sent."""
    texts = _TEXTS.get(language, _TEXTS["es"])
    cut = texts["cut"]
    lines = [
        f"- {_ends(_visible(key), _LONGEST_NAME, cut)}: {_value(value, cut)}"
        for key, value in list(arguments.items())[:_MOST_ARGUMENTS]
    ]
    hidden = [texts["hidden"]] if _hides(arguments) else []
    if len(arguments) > _MOST_ARGUMENTS:
        lines.append(f"- … ({texts['more'].format(n=len(arguments) - _MOST_ARGUMENTS)})")
    return "\n".join([texts["ask"].format(name=_ends(_visible(name), 100, cut)), *hidden, *lines])


def can_be_shown(arguments: Mapping[str, Any]) -> bool:
    """Returns whether a person can see what a call does: all arguments with their names, and the whole structure of
    each. Only the middle of long texts may be missing."""
    return (
        len(arguments) <= _MOST_ARGUMENTS
        and all(len(key) <= _LONGEST_NAME for key in arguments)
        and all(isinstance(value, str) or len(_json(value)) <= _LONGEST_STRUCTURE for value in arguments.values())
    )


def _hides(arguments: Mapping[str, Any]) -> bool:
    return not can_be_shown(arguments) or any(len(_json(value)) > _limit(value) for value in arguments.values())


def _limit(value: Any) -> int:
    return _LONGEST_VALUE if isinstance(value, str) else _LONGEST_STRUCTURE


def _value(value: Any, cut: str) -> str:
    return _ends(_visible(_json(value)), _limit(value), cut)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _ends(text: str, limit: int, cut: str) -> str:
    """Returns `text`, or both of its ends if it is longer than `limit`."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} {cut.format(n=len(text) - 2 * half)} {text[-half:]}"


def _visible(text: str) -> str:
    """Returns `text` with invisible characters replaced, such as those that change the direction of writing."""
    shown = printable(text, limit=len(text))
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if _is_hidden(each, before) else each
        for before, each in zip(f" {shown}", shown, strict=False)
    )


def _is_hidden(character: str, before: str) -> bool:
    if character in VARIATIONS:  # seen only where it changes a symbol, as in many emoji
        return unicodedata.category(before) != "So"
    return not character.isprintable() or is_invisible(character)
