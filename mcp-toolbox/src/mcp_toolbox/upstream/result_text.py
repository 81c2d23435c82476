"""A server's result before a model reads it: without characters that a person does not see, and without links that run
something.

Unlike descriptions (`sanitize.py`), results are data: emoji sequences, letters that join and private characters stay.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

_SEEN = r"[^\x00-\x7f\u200b-\u200f]"
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    # Joiners belong between letters that are not Latin, and between emojis.
    rf"|(?<!{_SEEN})[\u200c\u200d]|[\u200c\u200d](?!{_SEEN})"
)
_RUNS = frozenset({"javascript", "vbscript", "data"})
_BINARY = frozenset({"data", "blob"})


def visible(value: Any) -> tuple[Any, int]:
    """Returns JSON whose texts have no hidden characters, and how many there were. Bytes in base64 are left alone."""
    if isinstance(value, str):
        return _HIDDEN.subn("", value) if not value.isascii() or not value.isprintable() else (value, 0)
    if isinstance(value, list):
        parts = [visible(part) for part in value]
        return [part for part, _ in parts], sum(count for _, count in parts)
    if not isinstance(value, dict):
        return value, 0
    shown: dict[str, Any] = {}
    total = 0
    for key, part in value.items():
        shown_key, in_key = _HIDDEN.subn("", key)
        shown[shown_key], count = (part, 0) if key in _BINARY and isinstance(part, str) else visible(part)
        total += count + in_key
    return shown, total


def without_scripts(block: dict[str, Any]) -> dict[str, Any]:
    """Returns a block of content; a link that would run something, or holds its content in itself, as a text that says
    so."""
    if block.get("type") != "resource_link" or _scheme(block.get("uri")) not in _RUNS:
        return block
    return {"type": "text", "text": f"[A link named {block.get('name')!r} was left out: its scheme is not opened.]"}


def _scheme(uri: Any) -> str:
    try:
        return urlsplit(re.sub(r"[\s\x00-\x1f]", "", str(uri))).scheme.lower()
    except ValueError:
        return ""
