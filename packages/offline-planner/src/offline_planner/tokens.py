"""Counting tokens. The planner's own tokens are pieces of up to six letters or digits, and single signs; blanks
before a piece belong to it. That is near what language models' tokenizers count for Spanish and English."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PIECE = re.compile(r"\w{1,6}|[^\w\s]")
# The same in two passes, so that a run of signs is one match.
_WORD_PIECE = re.compile(r"\w{1,6}")
_SIGNS = re.compile(r"[^\w\s]+")
_WITH_BLANKS = re.compile(r"\s*(?:\w{1,6}|[^\w\s])")
_WORDS = re.compile(r"\s*\S+|\s+")

# The matcher holds the interpreter while it finds all pieces of a text, and the pieces take 50 bytes each.
_AT_ONCE = 16_384
# Longer texts are cut into pieces of this many characters instead of words, so that a stream of them ends.
_BY_WORDS = 65_536
_LONG_PIECE = 16_384


def count(text: str) -> int:
    """Returns how many tokens the text has; linear in its length, in bounded memory."""
    if len(text) <= _AT_ONCE:
        return len(_PIECE.findall(text))
    total = place = 0
    while place < len(text):
        end = min(place + _AT_ONCE, len(text))
        found = _WORD_PIECE.findall(text, place, end)
        total += len(found) + sum(map(len, _SIGNS.findall(text, place, end)))
        if found and end < len(text) and text[end - 1] == found[-1][-1]:
            total -= 1
            end -= len(found[-1])  # it may go on behind the end
        place = end
    return total


def first(text: str, limit: int) -> str:
    """Returns the beginning of the text that is `limit` tokens long, or all of it."""
    end = 0
    for counted, match in enumerate(_WITH_BLANKS.finditer(text)):
        if counted >= limit:
            return text[:end]
        end = match.end()
    return text


def pieces(text: str) -> Iterator[str]:
    """Yields the text cut into words, each with the blanks before it, or if it is very long into longer pieces; joined
    they are the text."""
    if len(text) <= _BY_WORDS:
        yield from _WORDS.findall(text)
    else:
        yield from (text[place : place + _LONG_PIECE] for place in range(0, len(text), _LONG_PIECE))
