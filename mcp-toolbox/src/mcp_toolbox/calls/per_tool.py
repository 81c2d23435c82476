"""Settings by tool: `NAME=VALUE`, where `*` in a name matches any characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

T = TypeVar("T")
_MOST_KNOWN = 10_000


class PerTool(Generic[T]):
    """A value for each tool: that of its exact name, else that of the first pattern that matches, else `default`.

    It keeps the values of the names that it is asked for, up to a bound: other servers may change their names at will.
    """

    def __init__(self, pairs: Iterable[tuple[str, T]], default: T) -> None:
        pairs = tuple(pairs)
        self._exact = {name: value for name, value in pairs if "*" not in name}
        self._known = dict(self._exact)
        self._patterns = [(_literal(name), value) for name, value in pairs if "*" in name]
        self._default = default

    def __getitem__(self, name: str) -> T:
        try:
            return self._known[name]
        except KeyError:
            value = next((value for pattern, value in self._patterns if fnmatchcase(name, pattern)), self._default)
            if len(self._known) > _MOST_KNOWN + len(self._exact):
                self._known = dict(self._exact)
            self._known[name] = value
            return value


def _literal(pattern: str) -> str:
    """Returns `pattern` with only the star special."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def parsed(value: str, read: Callable[[str], T]) -> tuple[tuple[str, T], ...]:
    """Returns the pairs of `NAME=VALUE,NAME=VALUE`, with each value parsed by `read`.

    Raises:
        ValueError: a part has no name or no value, a name is repeated, or `read` refuses a value.
    """
    pairs: dict[str, T] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, equals, text = (piece.strip() for piece in part.partition("="))
        if not (name and equals and text):
            raise ValueError(f"{part!r} is not NAME=VALUE")
        if name in pairs:
            raise ValueError(f"{name} stands there twice")
        pairs[name] = read(text)
    return tuple(pairs.items())
