"""Cutting of a document into pieces that are small enough to be found by their meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator

PIECE_CHARS = 480
"""About three sentences. The vector of a longer piece mixes subjects, and is near to none of them."""
OVERLAP_CHARS = 120
"""The part of a piece, in whole sentences, that the next piece repeats, so that references between sentences stay
clear."""

_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'»”)\]]*\s+|\n")


def cut(text: str) -> list[str]:
    """Returns the pieces of `text` in order, each at most PIECE_CHARS long. A piece ends at the end of a sentence or
    paragraph if possible."""
    pieces: list[str] = []
    for paragraph in _PARAGRAPH.split(text):
        pieces += _packed(list(_sentences(paragraph)))
    return _with_short_ones_joined(pieces)


def _packed(sentences: list[str]) -> Iterator[str]:
    """Yields pieces of whole sentences; each piece begins with the last sentences of the piece before."""
    held: list[str] = []
    fresh = False
    for sentence in sentences:
        if held and _length([*held, sentence]) > PIECE_CHARS:
            yield " ".join(held)
            held = _tail(held, PIECE_CHARS - len(sentence) - 1)
        held.append(sentence)
        fresh = True
    if fresh:
        yield " ".join(held)


def _tail(sentences: list[str], room: int) -> list[str]:
    tail: list[str] = []
    for sentence in reversed(sentences):
        if _length([sentence, *tail]) > min(OVERLAP_CHARS, room):
            break
        tail.insert(0, sentence)
    return tail


def _sentences(paragraph: str) -> Iterator[str]:
    for sentence in _SENTENCE_END.split(paragraph):
        rest = " ".join(sentence.split())
        while len(rest) > PIECE_CHARS:  # too long for a sentence: a table, a list, a language without spaces
            space = rest.rfind(" ", PIECE_CHARS // 2, PIECE_CHARS)
            end = space if space > 0 else PIECE_CHARS
            yield rest[:end]
            rest = rest[end:].strip()
        if rest:
            yield rest


def _with_short_ones_joined(pieces: list[str]) -> list[str]:
    """Joins a short piece, such as a heading or a line of a list, to the next one, because it says little alone."""
    joined: list[str] = []
    for piece in pieces:
        if joined and len(joined[-1]) < OVERLAP_CHARS and len(joined[-1]) + 1 + len(piece) <= PIECE_CHARS:
            joined[-1] = f"{joined[-1]} {piece}"
        else:
            joined.append(piece)
    return joined


def _length(sentences: list[str]) -> int:
    return sum(map(len, sentences)) + max(len(sentences) - 1, 0)
