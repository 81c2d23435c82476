"""Spanish or English: the language to answer in."""

from __future__ import annotations

from collections.abc import Iterable

from .lexer import Token, tokenize
from .lexicon import Language

# Enough to tell; the rest of a long text costs time and tells no more.
_SAMPLE = 400
_SPANISH_LETTERS = frozenset("¿¡ñáéíóúüÑÁÉÍÓÚÜ")


def detect(question: str, tokens: Iterable[Token]) -> Language | None:
    """The language of a question from the words outside quotes, or None when nothing tells."""
    balance = 0
    for token in tokens:
        languages = token.entry.languages
        if len(languages) == 1:
            balance += 1 if languages[0] == "es" else -1
    if not question.isascii():
        sample = question[:_SAMPLE]
        if any(letter in _SPANISH_LETTERS for letter in sample):
            balance += 1
    if balance:
        return "es" if balance > 0 else "en"
    return None


def of_first(texts: Iterable[str]) -> Language | None:
    """The language of the first text that tells."""
    for text in texts:
        sample = text[:_SAMPLE]
        found = detect(sample, tokenize(sample, _SAMPLE))
        if found is not None:
            return found
    return None
