"""Cutting a question into tokens: quoted text, numbers, words, operators and punctuation.

Every token keeps its place in the question, so that free text can be handed to a tool exactly as it was written.
Time is linear in the length of the question: each pattern stops at a character that starts another token. Memory is
bounded: the matcher sees the first `limit` characters alone, and groups that repeat have a limit, since it keeps a
state for each repetition (some 100 bytes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from .concepts import PHRASES
from .folding import fold
from .lexicon import NOTHING, Entry, look_up
from .long_quotes import LongQuotes
from .numbers import NUMBER_WORDS, Number

# Longer words are identifiers, encodings or noise: none is in the lexicon.
_LONGEST_WORD = 32

# Atomic groups, not possessive quantifiers: before Python 3.11.5 (so in Debian 12) `(?:[.,]\d+)*+` matches the comma
# of "8, " too (CPython gh-106052).
_TOKEN = re.compile(
    r"""
    (?P<quote>
        "[^"]*" | “[^“”]*” | «[^«»]*» | `[^`]*` | ‘[^‘’]*’(?!\w)
      | (?<!\w)'(?=\S)(?>[^'\n]*(?:(?<=\w)'(?=\w)[^'\n]*){0,4096})'(?!\w)
    )
  | (?P<number> (?<!\w)(?>\d+(?:[.,]\d+){0,64}(?:[eE][+-]?\d+)?)(?!\w) )
  | (?P<word> \w[\w\u0300-\u036f]*(?:(?:['’]|[-.@/_]+)(?=\w)[\w\u0300-\u036f]*){0,64} )
  | (?P<operator> \*\* | [-+*/^=()×÷·−–%] )
  | (?P<mark> [,;.:?!\n…] )
    """,
    re.VERBOSE,
)
_GLUED = re.compile(r"(\d+(?:[.,]\d+){0,64})([x*·×])(\d+(?:[.,]\d+){0,64})", re.IGNORECASE)


class Token(msgspec.Struct, gc=False):
    """A piece of the question.

    `kind` is quote, number, word, operator, mark or tail; `text` is as written (a quote's without its marks), from
    `start` to `end` in the question; `folded` and `entry` are a word's; `number` a number's, once read.
    """

    kind: str
    text: str
    start: int
    end: int
    folded: str = ""
    entry: Entry = NOTHING
    number: Number | None = None


def tokenize(question: str, limit: int) -> list[Token]:
    """Returns the tokens that start within the first `limit` characters; what follows is one token of kind tail.

    A quote that opens there is one token, wherever it ends.
    """
    tokens: list[Token] = []
    for kind, start, end in _pieces(question, limit):
        if start >= limit:
            tokens.append(Token("tail", "", start, len(question)))
            break
        if kind == "word":
            _add_word(tokens, question[start:end], start, end)
        elif kind == "quote":
            tokens.append(Token(kind, question[start + 1 : end - 1], start, end))
        else:
            text = question[start:end]
            tokens.append(Token(kind, text, start, end, folded=text))
    return tokens


def _pieces(question: str, limit: int) -> Iterator[tuple[str, int, int]]:
    """Kind, start and end of each token; the first that starts at `limit` or behind it is the last."""
    if len(question) <= limit:
        for match in _TOKEN.finditer(question):
            yield match.lastgroup or "", match.start(), match.end()
        return
    quotes = LongQuotes(question)
    place = 0
    while place < limit:
        match = _TOKEN.search(question, place, limit)
        quote = quotes.first(place, match.start() if match else limit)
        if quote is not None:
            yield "quote", *quote
            place = quote[1]
        elif match is not None:
            yield match.lastgroup or "", match.start(), match.end()
            place = match.end()
        else:
            place = limit
    if place < len(question):
        yield "tail", place, len(question)


def _add_word(tokens: list[Token], text: str, start: int, end: int) -> None:
    folded = fold(text) if len(text) <= _LONGEST_WORD else text
    entry = look_up(folded) if len(folded) <= _LONGEST_WORD else NOTHING
    if entry is NOTHING and "-" in folded and _add_hyphenated(tokens, text, start):
        return
    if entry is NOTHING and "'" in folded:
        entry = look_up(folded.partition("'")[0])  # "what's" is "what"
    if entry is NOTHING and text[0].isdigit():
        glued = _GLUED.fullmatch(text)
        if glued:
            for group, kind in ((1, "number"), (2, "operator"), (3, "number")):
                piece = "*" if kind == "operator" else glued.group(group)
                tokens.append(Token(kind, piece, start + glued.start(group), start + glued.end(group), folded=piece))
            return
    last = tokens[-1] if tokens else None
    if last is not None and last.kind == "word":
        phrase = PHRASES.get((last.folded, folded))
        if phrase is not None:
            entry = _phrase_entry(phrase, last.entry, entry)
            tokens[-1] = Token("word", f"{last.text} {text}", last.start, end, f"{last.folded} {folded}", entry)
            return
    tokens.append(Token("word", text, start, end, folded, entry))


def _add_hyphenated(tokens: list[Token], text: str, start: int) -> bool:
    """Add "twenty-five" as two words, if it is such a number."""
    pieces = text.split("-")
    if not all(fold(piece) in NUMBER_WORDS for piece in pieces):
        return False
    for piece in pieces:
        tokens.append(Token("word", piece, start, start + len(piece), fold(piece)))
        start += len(piece) + 1
    return True


def _phrase_entry(meaning: str, first: Entry, second: Entry) -> Entry:
    languages = first.languages or second.languages
    if meaning == "filler" or meaning == "strong":
        return Entry(meaning, languages=languages)
    part = "question" if first.part == "question" or second.part == "question" else ""
    return Entry(part, (meaning,), languages)
