"""The line of each value in a JSON text, for error messages about an operator's file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

Path = tuple[str, ...]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class JsonLines:
    """The first line of each path of object keys in a valid JSON text, counted from 1. Items of arrays have no paths.
    `repeated` holds the paths that an object names twice, with the line of the second."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self.repeated: dict[Path, int] = {}
        for path, line in _keys(text):
            if path not in self._lines:
                self._lines[path] = line
            elif not any(path[:length] in self.repeated for length in range(len(path))):
                self.repeated[path] = line

    def line(self, path: Path) -> int:
        """Returns the line of `path`, or of the nearest enclosing path."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


def _keys(text: str) -> Iterator[tuple[Path, int]]:
    """Yields every key with its path and line. A key is a string in an object before its colon; nothing inside an array
    has a path."""
    stack: list[str] = []  # "{" or "[", outermost first
    path: list[str] = []
    expects_key = False
    line, at = 1, 0
    for token in _TOKEN.finditer(text):
        line, at = line + text.count("\n", at, token.start()), token.start()
        mark = token[0]
        if mark in "{[":
            stack.append(mark)
            path.append("")
            expects_key = mark == "{"
        elif mark in "}]":
            stack.pop()
            path.pop()
            expects_key = False
        elif mark == ",":
            expects_key = bool(stack) and stack[-1] == "{"
        elif expects_key and mark.startswith('"'):
            path[-1] = _text(mark)
            expects_key = False
            if "[" not in stack:
                yield tuple(path), line


def _text(quoted: str) -> str:
    return json.loads(quoted)
