"""Quotes that end behind the part of a question that is read: their ends are found without matching what is between.

A matcher holds the interpreter as long as it runs, and takes some 50 ns a character; `str.find` takes less than one.
"""

from __future__ import annotations

_CLOSING = {'"': '"', "“": "”", "«": "»", "`": "`", "‘": "’", "'": "'"}


class LongQuotes:
    """The quotes of one question, by the place at which they open."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._ends: dict[str, int] = {}

    def first(self, start: int, end: int) -> tuple[int, int] | None:
        """Where the first quote that opens between `start` and `end` opens and ends (behind its mark), or None."""
        for place in range(start, end):
            if self._question[place] in _CLOSING:
                after = self._end(place)
                if after is not None:
                    return place, after
        return None

    def _end(self, start: int) -> int | None:
        question, mark = self._question, self._question[start]
        if mark == "'":
            return self._end_of_single(start)
        closing = _CLOSING[mark]
        end = self._next(closing, start + 1)
        if end < 0 or (closing != mark and 0 <= self._next(mark, start + 1) < end):
            return None
        return None if mark == "‘" and _is_word(question[end + 1 : end + 2]) else end + 1

    def _next(self, mark: str, start: int) -> int:
        """The next place of a mark, or -1. Each stretch of the question is searched once for each mark."""
        known = self._ends.get(mark)
        if known is None or 0 <= known < start:
            known = self._ends[mark] = self._question.find(mark, start)
        return known

    def _end_of_single(self, start: int) -> int | None:
        """As of other quotes, but an apostrophe within a word does not end it, and a line's end does."""
        question = self._question
        if _is_word(question[start - 1 : start]) or not question[start + 1 : start + 2].strip():
            return None
        end = start
        while True:
            end = self._next("'", end + 1)
            if end < 0 or 0 <= self._next("\n", start) < end:
                return None
            if not _is_word(question[end + 1 : end + 2]):
                return end + 1
            if not _is_word(question[end - 1]):
                return None


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
