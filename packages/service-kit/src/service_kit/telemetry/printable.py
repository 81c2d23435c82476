"""Escaping of foreign text for logs, so that it cannot begin a line, move the cursor, or hide."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any, TextIO

import structlog


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def printable(text: str, escape: Callable[[str], str] = _escape) -> str:
    """Returns `text` with each non-printable character escaped.

    Those are the characters that Unicode calls control (line ends, terminal escapes), format (zero width,
    right-to-left), surrogate, private, unassigned, and space other than the usual one.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else escape(character) for character in text)


def text_value(value: Any) -> str:
    """Returns a field's value for a line of text, in quotes if it could be read as more than one field."""
    text = str(value)
    if text.isprintable() and not any(character in text for character in ' "=') and text:
        return text
    return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def traceback_without_forgery(stream: TextIO, exc_info: Any) -> None:
    """Writes structlog's plain traceback with each line indented, because an exception's message may contain lines that
    look like log lines."""
    written = StringIO()
    structlog.dev.plain_traceback(written, exc_info)
    stream.write("\n".join(f"  {printable(line)}" for line in written.getvalue().split("\n")))
