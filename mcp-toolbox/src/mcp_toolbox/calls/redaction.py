"""Arguments as a log may hold them: short, and without what looks like a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mcp_toolbox.errors import printable

HIDDEN = "[redacted]"

_SECRET = re.compile(
    r"pass(word|wd|phrase|code)?$|^pwd$|secret|token$|api_?key|private_?key|access_?key|credential|authorization"
    r"|cookie|contrase|clave|^pin$|^cvv$|signature",
    re.IGNORECASE,
)
_LONGEST_TEXT = 200
_MOST_ENTRIES = 20
_DEEPEST = 4
_MOST_VALUES = 200
"""In one call's arguments altogether."""


def redacted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` cut to a bounded size; values whose names say that they are secrets are left out.

    Names are all there is to go by: a secret in free text stays in it.
    """
    return _Copy().of_mapping(arguments, 0)


class _Copy:
    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if isinstance(value, str):
            return printable(value, _LONGEST_TEXT)
        if isinstance(value, bool | float | None):
            return value
        if isinstance(value, int):
            # An integer of JSON has any number of digits, and counting them costs more the more there are.
            return value if value.bit_length() <= 256 else "[…]"
        if depth >= _DEEPEST or self._left <= 0:
            return "[…]"
        if isinstance(value, Mapping):
            return self.of_mapping(value, depth)
        if isinstance(value, list | tuple):
            kept = [self.of(item, depth + 1) for item in value[:_MOST_ENTRIES]]
            return kept if len(value) <= _MOST_ENTRIES else [*kept, f"[… {len(value) - _MOST_ENTRIES} more]"]
        return f"[{type(value).__name__}]"

    def of_mapping(self, values: Mapping[str, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for index, (name, value) in enumerate(values.items()):
            if index == _MOST_ENTRIES:
                kept["…"] = f"[{len(values) - _MOST_ENTRIES} more]"
                break
            kept[printable(str(name), 60)] = HIDDEN if _SECRET.search(str(name)) else self.of(value, depth + 1)
        return kept
