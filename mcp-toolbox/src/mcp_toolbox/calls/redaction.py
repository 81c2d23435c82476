"""Tool arguments in a form for logs: short, and without values that look like secrets."""

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
"""The limit for all arguments of one call together."""


def redacted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy of `arguments` of bounded size, in which values whose names suggest a secret are replaced.

    Only names are looked at: a secret in free text is not recognized.
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
            # JSON integers have any number of digits, and the cost of formatting one grows faster than their number.
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
