"""Searching the folder's files for a text."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mcp_toolbox.packs.files.errors import FileRefused
from mcp_toolbox.packs.files.folder import Folder

_LONGEST_LINE = 300
_MOST_BYTES = 64 * 1024 * 1024
"""How much of the files one search reads."""


@dataclass(frozen=True)
class Match:
    """A line in which the text is; lines count from 1, and long ones are cut."""

    path: str
    line: int
    text: str


@dataclass(frozen=True)
class Matches:
    """The lines found. `complete`: every file was searched to its end."""

    matches: list[Match]
    complete: bool


def searched(folder: Folder, path: str, wanted: str, pattern: str, most: int, stopped: threading.Event) -> Matches:
    """Returns at most `most` lines that contain `wanted`, in any case, in files below `path` whose name or path fits
    `pattern`. Ends early once `stopped` is set. Files that are no text, or too large, are passed over."""
    key = wanted.casefold()
    found: list[Match] = []
    read = 0
    for entry in folder.entries(path, below=True):
        if stopped.is_set() or read > _MOST_BYTES:
            return Matches(found, False)
        if entry.is_directory or entry.bytes > folder.max_bytes or not _fits(entry.path, pattern):
            continue
        read += entry.bytes
        try:
            text = folder.read(entry.path).decode("utf-8")
        except (FileRefused, UnicodeDecodeError):
            continue
        if key not in text.casefold():
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if key in line.casefold():
                if len(found) == most:
                    return Matches(found, False)
                found.append(Match(entry.path, number, line.strip()[:_LONGEST_LINE]))
    return Matches(found, True)


def _fits(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern) or fnmatchcase(path.rpartition("/")[2], pattern)
