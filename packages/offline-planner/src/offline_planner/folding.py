"""Folding words: lower case, no accents; and a light stem for words that the lexicon does not know."""

from __future__ import annotations

import unicodedata

_MARKS = dict.fromkeys(range(768, 880))
_ENDINGS = (
    "aciones", "iciones", "amiento", "imiento", "adores", "acion", "icion", "ation", "ition", "mente", "ments",
    "ando", "iendo", "ados", "idos", "adas", "idas", "ment", "ador", "ado", "ido", "ada", "ida", "ing", "ies",
    "ed", "es", "ar", "er", "ir", "as", "os", "s", "a", "e", "o", "y",
)  # fmt: skip


def fold(word: str) -> str:
    """The word in lower case without accents; ñ becomes n, so that "anade" is read as "añade"."""
    if word.isascii():
        return word.lower()
    return unicodedata.normalize("NFD", word.lower()).translate(_MARKS)


def stem(folded: str) -> str:
    """A crude stem that a word's Spanish or English inflections share, at least three letters long."""
    for ending in _ENDINGS:
        if folded.endswith(ending) and len(folded) - len(ending) >= 3:
            return folded[: -len(ending)]
    return folded
