"""The rows of an answer and their values; a module of its own, since the process that reads a file imports no more."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

_EXACT = 2**53 - 1
"""Up to here every reader of JSON keeps an integer exact (RFC 8259 §6)."""


@dataclass(frozen=True)
class QueryLimits:
    """Rows, bytes as JSON, and seconds of one answer."""

    rows: int
    bytes: int
    seconds: float


@dataclass
class Rows:
    """The rows of an answer, at most as many as the limits allow. `cut` says that there are more, or larger ones."""

    limits: QueryLimits
    columns: Sequence[str] = ()
    rows: list[list[Any]] = field(default_factory=list)
    cut: bool = False
    _size: int = 0

    def take(self, row: Iterable[Any]) -> bool:
        """Takes the next row; returns whether there is room for another."""
        values = [exact(value) for value in row]
        self._size += len(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()) + 1
        if len(self.rows) >= self.limits.rows or self._size > self.limits.bytes:
            self.cut = True
        else:
            self.rows.append(values)
        return not self.cut


def exact(value: Any) -> Any:
    """Returns a database's value as JSON that says exactly the same: a number that JSON's readers would round, and what
    JSON has no type for, becomes text as the database writes it."""
    match value:
        case bool() | None:
            return value
        case int():
            return value if -_EXACT <= value <= _EXACT else str(value)
        case float():
            return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
        case Decimal():
            return exact(int(value)) if value == value.to_integral_value() and abs(value) <= _EXACT else str(value)
        case bytes():
            return f"\\x{value.hex()}"
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {str(name): exact(inner) for name, inner in value.items()}
        case list() | tuple():
            return [exact(inner) for inner in value]
        case _:
            return str(value)
