"""The text of a servers file: JSON with comments, or the TOML of Codex (`[mcp_servers.NAME]`)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any, Protocol

from mcp_toolbox.upstream.editors import Path, plain_json
from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.json_lines import JsonLines

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*"
_TOML_LINE = re.compile(rf"^[ \t]*(?:\[(?P<table>[ \t]*{_DOTTED}[ \t]*)\]|(?P<key>{_DOTTED})[ \t]*=)", re.MULTILINE)
_ONE_NAME = re.compile(_NAME)
_YAML = re.compile(r"\s*(?:(?:#[^\n]*)?\n|---[ \t]*\n)*\s*[A-Za-z_]\w*[ \t]*:(?:\s|$)")


class Lines(Protocol):
    """Where the parts of a document stand. `repeated` holds the paths that stand there twice, with the second's
    line."""

    repeated: dict[Path, int]

    def line(self, path: Path) -> int:
        """Returns the line of `path`, or of the nearest enclosing path, counted from 1."""
        ...


class TomlLines:
    """The lines of the tables and keys of a valid TOML text; TOML itself refuses one that stands there twice."""

    def __init__(self, text: str) -> None:
        self.repeated: dict[Path, int] = {}
        self._lines: dict[Path, int] = {}
        for path, line in _toml_paths(text):
            self._lines.setdefault(path, line)

    def line(self, path: Path) -> int:
        """Returns the line of `path`, or of the nearest enclosing path."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


def parsed(text: str) -> tuple[Any, Lines]:
    """Returns the document that `text` holds, and the lines of its parts. Text that begins with a table or a key of
    TOML is TOML, and any other JSON.

    Raises:
        ServersFileError: it is neither; the message has the place, or names the format that is not read.
    """
    begins = re.sub(r"\A(?:\s|#[^\n]*(?:\n|\Z))*", "", text)
    try:
        if _TOML_LINE.match(begins):
            return tomllib.loads(text), TomlLines(text)
        plain = plain_json(text)
        return json.loads(plain), JsonLines(plain)
    except tomllib.TOMLDecodeError as error:
        raise ServersFileError(f"no TOML: {error}") from None
    except json.JSONDecodeError as error:
        if _YAML.match(text):
            raise ServersFileError("line 1: is YAML, which is not read; write the servers as JSON") from None
        raise ServersFileError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise ServersFileError("line 1: nested too deep") from None


def _toml_paths(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    line, at = 1, 0
    for found in _TOML_LINE.finditer(text):
        start = found.start("table") if found["table"] is not None else found.start("key")
        line, at = line + text.count("\n", at, start), start
        names = tuple(name.strip("\"'") for name in _ONE_NAME.findall(found["table"] or found["key"]))
        if found["table"] is not None:
            table = names
            yield table, line
        else:
            yield (*table, *names), line
