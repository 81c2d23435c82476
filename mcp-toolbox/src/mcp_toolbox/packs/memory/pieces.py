"""Cutting a document into pieces that are small enough to be found by what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator

PIECE_CHARS = 480
"""About three sentences: a vector of more says a little of everything and is near to nothing."""
OVERLAP_CHARS = 120
"""What a piece may repeat of the one before, in whole sentences, so that none loses what it refers to."""

_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'»”)\]]*\s+|\n")


def cut(text: str) -> list[str]:
    """The pieces of `text`, in order, none longer than PIECE_CHARS; each ends where a sentence or a paragraph does,
    if that is possible at all."""
    pieces: list[str] = []
    for paragraph in _PARAGRAPH.split(text):
        pieces += _packed(list(_sentences(paragraph)))
    return _with_short_ones_joined(pieces)


def _packed(sentences: list[str]) -> Iterator[str]:
    """Sentences together in pieces; each piece begins with the last ones of the piece before."""
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
        while len(rest) > PIECE_CHARS:  # no sentence at all: a table, a list, a language without spaces
            space = rest.rfind(" ", PIECE_CHARS // 2, PIECE_CHARS)
            end = space if space > 0 else PIECE_CHARS
            yield rest[:end]
            rest = rest[end:].strip()
        if rest:
            yield rest


def _with_short_ones_joined(pieces: list[str]) -> list[str]:
    """A heading or a line of a list says little alone: it goes with what follows."""
    joined: list[str] = []
    for piece in pieces:
        if joined and len(joined[-1]) < OVERLAP_CHARS and len(joined[-1]) + 1 + len(piece) <= PIECE_CHARS:
            joined[-1] = f"{joined[-1]} {piece}"
        else:
            joined.append(piece)
    return joined


def _length(sentences: list[str]) -> int:
    return sum(map(len, sentences)) + max(len(sentences) - 1, 0)
