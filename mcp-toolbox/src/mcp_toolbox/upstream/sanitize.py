"""Sanitizing of other servers' texts before a model reads them: hidden characters are removed, long texts are cut."""

from __future__ import annotations

from typing import Any

from mcp_toolbox.invisible import is_invisible

MAX_DESCRIPTION = 8_000
"""In characters; the longest descriptions of well-known servers have about 4,000."""

_KEPT_CONTROLS = "\n\r\t"
_PROSE = frozenset({"description", "title", "$comment"})


def hidden(character: str) -> bool:
    """Returns whether a person does not see this character although a model reads it; ends of lines and tabs are
    none."""
    return is_invisible(character) and character not in _KEPT_CONTROLS


def cleaned(text: str) -> tuple[str, int]:
    """Returns `text` without hidden characters, and their number."""
    if text.isascii() and text.isprintable():
        return text, 0
    kept = "".join(character for character in text if not hidden(character))
    return kept, len(text) - len(kept)


def shortened(text: str, limit: int = MAX_DESCRIPTION) -> str:
    """Returns at most `limit` characters of `text`, with a mark if it was cut."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def cleaned_schema(schema: Any) -> tuple[Any, int]:
    """Returns a JSON Schema with its prose cleaned and shortened, and the number of hidden characters. What the schema
    matches (property names, constants, patterns) is unchanged."""
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
