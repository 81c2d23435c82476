"""Texts of other servers before a model reads them: no hidden characters, and not without end."""

from __future__ import annotations

import unicodedata
from typing import Any

MAX_DESCRIPTION = 8_000
"""Characters; the longest of the well-known servers have some 4,000."""

_KEPT_CONTROLS = "\n\r\t"
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_PROSE = frozenset({"description", "title", "$comment"})


def hidden(character: str) -> bool:
    """Whether a person does not see this character, although a model reads it: controls of direction, zero widths,
    tags, private use, the supplementary variation selectors."""
    return (
        unicodedata.category(character) in _HIDDEN and character not in _KEPT_CONTROLS
    ) or "\U000e0100" <= character <= "\U000e01ef"


def cleaned(text: str) -> tuple[str, int]:
    """`text` without hidden characters, and how many there were."""
    if text.isascii() and text.isprintable():
        return text, 0
    kept = "".join(character for character in text if not hidden(character))
    return kept, len(text) - len(kept)


def shortened(text: str, limit: int = MAX_DESCRIPTION) -> str:
    """`text`, at most `limit` characters and a mark of the cut."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def cleaned_schema(schema: Any) -> tuple[Any, int]:
    """A JSON Schema whose prose is cleaned and shortened, and how many characters were hidden; what it matches
    (names of properties, constants, patterns) stays as it is."""
    if isinstance(schema, list):
        parts = [cleaned_schema(part) for part in schema]
        return [part for part, _ in parts], sum(count for _, count in parts)
    if not isinstance(schema, dict):
        return schema, 0
    result: dict[str, Any] = {}
    total = 0
    for key, value in schema.items():
        if key in _PROSE and isinstance(value, str):
            text, count = cleaned(value)
            result[key] = shortened(text)
        else:
            result[key], count = cleaned_schema(value)
        total += count
    return result, total
