"""Counting tokens. The planner's own tokens are pieces of up to six letters or digits, and single signs; blanks
before a piece belong to it. That is near what language models' tokenizers count for Spanish and English."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\w{1,6}|[^\w\s]")
_WITH_BLANKS = re.compile(r"\s*(?:\w{1,6}|[^\w\s])")
_WORDS = re.compile(r"\s*\S+|\s+")


def count(text: str) -> int:
    """How many tokens the text has; linear in its length."""
    return len(_PIECE.findall(text))


def first(text: str, limit: int) -> str:
    """The beginning of the text that is `limit` tokens long, or all of it."""
    end = 0
    for counted, match in enumerate(_WITH_BLANKS.finditer(text)):
        if counted >= limit:
            return text[:end]
        end = match.end()
    return text


def words(text: str) -> list[str]:
    """The text cut into words, each with the blanks before it; joined they are the text."""
    return _WORDS.findall(text)
