"""Text that others chose, made fit for a log: it cannot begin a line, move the cursor, or hide."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any, TextIO

import structlog


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def printable(text: str, escape: Callable[[str], str] = _escape) -> str:
    """`text` with each character that shows nothing by itself escaped.

    That is what Unicode calls control (line ends, terminal escapes), format (zero width, right-to-left), surrogate,
    private, unassigned, and space other than the usual one.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else escape(character) for character in text)


def text_value(value: Any) -> str:
    """A field's value in a line of text, in quotes where it could be read as more than one field."""
    text = str(value)
    if text.isprintable() and not any(character in text for character in ' "=') and text:
        return text
    return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def traceback_without_forgery(stream: TextIO, exc_info: Any) -> None:
    """structlog's plain traceback; its lines are indented, since an exception's message may have lines of its own."""
    written = StringIO()
    structlog.dev.plain_traceback(written, exc_info)
    stream.write("\n".join(f"  {printable(line)}" for line in written.getvalue().split("\n")))
