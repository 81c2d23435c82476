"""Folding words: lower case, no accents; and a light stem for words that the lexicon does not know."""

from __future__ import annotations

import unicodedata

_MARKS = dict.fromkeys(range(768, 880))
_MARKS[0x2019] = "'"
_ENDINGS = ("es", "s", "a", "o", "e")


def fold(word: str) -> str:
    """Returns the word in lower case without accents; ñ becomes n, so that "anade" is read as "añade"."""
    if word.isascii():
        return word.lower()
    return unicodedata.normalize("NFKD", word.lower()).translate(_MARKS)


def stem(folded: str) -> str:
    """Returns what a noun's singular and plural, masculine and feminine share, at least three letters long."""
    for ending in _ENDINGS:
        if folded.endswith(ending) and len(folded) - len(ending) >= 3:
            return folded[: -len(ending)]
    return folded


def word_set(text: str) -> frozenset[str]:
    """Returns the set of a text's words: the form in which this package writes its word lists."""
    return frozenset(text.split())


def phrase_table(text: str) -> tuple[tuple[str, ...], ...]:
    """Returns phrases, written with bars between them, as their words."""
    return tuple(tuple(phrase.split()) for phrase in text.split("|"))
