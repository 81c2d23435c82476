"""Telling Spanish from English by the words that only one of them has."""

from __future__ import annotations

from collections.abc import Iterable

from .lexer import Token, tokenize
from .lexicon import Language, languages

_SPANISH = frozenset("¿¡ñáéíóúü")
_LOOKED_AT = 200


def detect(tokens: list[Token]) -> Language | None:
    """Returns the language of the words outside quotes, None when they do not tell."""
    points = 0
    for token in tokens[:_LOOKED_AT]:
        if token.kind == "mark":
            points += 2 * (token.text in _SPANISH)
        elif token.kind == "word":
            known = languages(token.folded)
            points += ("es" in known) - ("en" in known)
            points += not _SPANISH.isdisjoint(token.text.lower())
    return "es" if points > 0 else "en" if points < 0 else None


def of_first(texts: Iterable[str]) -> Language | None:
    """Returns the language of the first text that tells one."""
    for text in texts:
        found = detect(tokenize(text[:2_000]).tokens)
        if found is not None:
            return found
    return None
