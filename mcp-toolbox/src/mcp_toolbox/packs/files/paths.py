"""Paths from a model, as names below the folder."""

from __future__ import annotations

import unicodedata

from mcp_toolbox.packs.files.errors import FileRefused

MOST_CHARS = 1000
_DEEPEST = 32
_LONGEST_NAME = 255
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of writing: a name could look like another one."""


def names_of(path: str) -> tuple[str, ...]:
    """Returns the names on the way to `path`, in Unicode's composed form; none for the folder itself.

    Raises:
        FileRefused: it leads outside or to something hidden, or is no path.
    """
    if path.startswith(("/", "~")) or "\\" in path:
        raise FileRefused("absolute", path=path)
    names = [unicodedata.normalize("NFC", name) for name in path.split("/") if name not in ("", ".")]
    if len(names) > _DEEPEST:
        raise FileRefused("deep", most=_DEEPEST)
    for name in names:
        _check(name, path)
    return tuple(names)


def _check(name: str, path: str) -> None:
    if name == "..":
        raise FileRefused("outside", path=path)
    if not is_shown(name):
        raise FileRefused("name", path=path)


def is_shown(name: str) -> bool:
    """Returns whether a file of this name is one that a model sees: neither hidden nor unprintable."""
    if name.startswith(".") or any(unicodedata.category(char) in _UNPRINTABLE or char in _DIRECTIONS for char in name):
        return False
    try:
        return 0 < len(name.encode("utf-8")) <= _LONGEST_NAME
    except UnicodeEncodeError:
        return False


def same_name(first: str, second: str) -> bool:
    """Returns whether people, and some file systems, take these names for one."""
    return unicodedata.normalize("NFC", first).casefold() == unicodedata.normalize("NFC", second).casefold()
