"""The grammar of requests about a text: "convierte X a mayúsculas", "how many words are in X", and what X can be.

A text is quoted, or stands behind a colon, or is named as one ("la frase …"), or is bare. Bare words are taken for a
text only where they can hardly mean anything else: what begins as a description does ("the last line", "my name") is
asked, since it is the thing that is meant and not the words.
"""

from __future__ import annotations

from typing import Any

import msgspec

from . import leads
from .folding import word_set
from .lexer import Token
from .lexicon import nouns, verbs
from .marks import Unclear
from .plan import Previous
from .sums import Sums

_TEXT_NOUNS = word_set("upper lower title_case word character sentence line text")
_MODIFIERS = word_set(
    "but pero except excepto salvo twice times veces only backwards spanish english french german italian portuguese"
    " espanol ingles frances aleman italiano portugues catalan chino chinese"
)
_ARTICLES = word_set("el la los las un una the a an este esta esto estos this these siguiente siguientes following")
DESCRIBING = word_set(
    "el la los las un una unos unas the a an mi mis tu tus su sus my your his her its our their este esta esto"
    " estos estas ese esa eso aquel aquella this that these those todo todos toda todas all every each cada otro"
    " otra another some any algun alguna lo cualquier cualquiera something algo what which que cual"
)  # fmt: skip
CLAUSE = word_set("is are was were am es esta estan son fue hay era has have will isn't aren't no not come tiene")
_REFERENCE = word_set("resultado result results resultados it them that eso esto ello ese")
_LINKS = frozenset(["y", "e", "and", "&", "luego", "despues", "then", "entonces", ",", ";", ".", "\n"])


class Delimited(msgspec.Struct, frozen=True, gc=False):
    """A text behind a colon, or bare to the end of the request: `start` is its place, `mark` the token behind it."""

    text: str
    start: int
    mark: int
    colon: bool


class Texts:
    """Texts in one request."""

    def __init__(self, question: str, tokens: list[Token], sums: Sums) -> None:
        self._question = question
        self._tokens = tokens
        self._sums = sums

    def value(self, start: int, end: int, *, asks: bool = False) -> Any:
        """Returns the text that the tokens give: a str, `Delimited`, `Previous` or `Operation`; None if none.

        `asks`: the request is a question, so that a question mark at its end is not of the text.
        """
        tokens = self._tokens
        if start < end and tokens[start].text == ":" and start + 1 < end:
            return self._behind_colon(start, end, asks)
        if end - start == 1 and tokens[start].kind == "quote":
            return tokens[start].text
        named = self.label(start, end)
        if named == end and named > start:
            return self._spoken_of(start, end)
        if named > start and named < end:
            found = self.named(named, end, asks)
            if found is not None:
                return found
        if start >= end:
            return None
        return self._result(start, end) or self._bare(start, end, asks)

    def _behind_colon(self, start: int, end: int, asks: bool) -> Any:
        """The rest of the request, verbatim; without the marks of a quote that is all there is."""
        tokens = self._tokens
        last = tokens[start + 1]
        if last.kind == "quote" and (end == start + 2 or all(item.text in ".!?" for item in tokens[start + 2 : end])):
            return last.text
        begin = tokens[start].end
        text = self._unasked(self._question[begin : self._stop(end)].strip(), start, asks)
        return Delimited(text, begin, start, True) if text else None

    def _unasked(self, text: str, start: int, asks: bool) -> str:
        """A text without the question mark at its end where that is the request's: "how many words are in: a b?",
        but "uppercase: how are you?"."""
        opened = asks and any(token.text == "¿" or leads.is_asking(token) for token in self._tokens[:start])
        return text[:-1].rstrip() if opened and text.endswith("?") else text

    def _stop(self, end: int) -> int:
        """Where the text behind a colon ends: with the question, unless another request follows."""
        rest = self._tokens[end:]
        if all(token.kind == "mark" for token in rest):
            return len(self._question)
        return self._tokens[end - 1].end

    def label(self, start: int, end: int) -> int:
        """Returns the place behind "el texto", "the word", "este texto:", or `start`."""
        place = start
        while place < end and self._tokens[place].folded in _ARTICLES and self._tokens[place].kind == "word":
            place += 1
        if (
            place < end
            and nouns(self._tokens[place].folded) & {"text", "word", "sentence"}
            and self._tokens[place].kind == "word"
        ):
            place += 1
            if place < end and self._tokens[place].folded in ("siguiente", "following"):
                place += 1
            return place
        if place > start and place < end and self._tokens[place].text == ":":
            return place
        return start

    def named(self, place: int, end: int, asks: bool) -> Any:
        """What stands behind "la frase": a quote, a colon, or words that the noun says are a text."""
        token = self._tokens[place]
        if token.text == ":" or (token.kind == "quote" and place + 1 == end):
            return self.value(place, end, asks=asks)
        if token.folded in (
            "de",
            "del",
            "of",
            "en",
            "in",
            "que",
            "that",
            "anterior",
            "previous",
            "mas",
            "above",
            "from",
        ):
            return None
        return self._slice(place, end, asks)

    def _spoken_of(self, start: int, end: int) -> Any:
        """ "el texto", "the text" alone are what was worked on before."""
        pointed = self._tokens[start].folded in ("el", "the", "este", "ese", "this", "that", "la", "esta")
        return Previous(text=True) if end - start == 2 and pointed else None

    def _result(self, start: int, end: int) -> Any:
        """A result before ("it", "el resultado"), or an operation that stands for its result."""
        for tree, after in self._sums.reference(start, end):
            if after == end and isinstance(tree, Previous):
                word = self._tokens[start].folded
                return Previous(many=tree.many, text=word in ("it", "that", "this", "eso", "esto", "ello"))
        try:
            trees = self._sums.operands(start, end)
        except Unclear:
            return None
        return trees[0] if len(trees) == 1 else None

    def _bare(self, start: int, end: int, asks: bool) -> Any:
        first = self._tokens[start]
        if first.kind not in ("word", "number", "email", "day") or self._is_modified(start, end):
            return None
        if first.kind == "word" and first.folded in DESCRIBING:
            words = {token.folded for token in self._tokens[start:end]}
            uncontracted = start > 0 and self._tokens[start - 1].folded == "de" and first.folded == "el"
            literal = first.folded in ("el", "la", "los", "las", "the", "un", "una", "a") and words & CLAUSE
            if not (uncontracted or literal) or words & _REFERENCE:
                return None
        return self._slice(start, end, asks)

    def _is_modified(self, start: int, end: int) -> bool:
        """Whether bare words say something about a text besides giving it: "hello in French", "hello to lowercase"."""
        for place in range(start, end):
            token = self._tokens[place]
            if token.kind in ("path", "url"):
                return True  # what is in it, or its name?
            if token.kind == "word" and (token.folded in _MODIFIERS or nouns(token.folded) & _TEXT_NOUNS):
                return True
        return False

    def _slice(self, start: int, end: int, asks: bool) -> Any:
        """The words as they stand; None where another request, a result or an operation is among them."""
        tokens = self._tokens
        for place in range(start, end):
            token = tokens[place]
            if token.kind == "word" and token.folded in _REFERENCE - {"it", "that", "eso", "esto", "ese", "ello"}:
                return None
            if token.kind == "quote" or token.text in (":", "\n", "¿"):
                return None
            if place > start and token.kind == "word" and self._commands(place, tokens[place - 1]):
                return None
        text = self._unasked(self._question[tokens[start].start : self._stop_of_bare(end)].strip(), start, asks)
        return Delimited(text, tokens[start].start, start, False) if text else None

    def _commands(self, place: int, before: Token) -> bool:
        """Whether a word begins another request within the text: "… y suma", "…, then count"."""
        if before.folded not in _LINKS:
            return False
        ahead = self._tokens[place : place + 3]
        return (
            any(verb.moods & {"order", "inf"} for token in ahead for verb in verbs(token.folded, token.ending()))
            or self._tokens[place].kind == "number"
        )

    def _stop_of_bare(self, end: int) -> int:
        stop = self._tokens[end - 1].end
        rest = self._tokens[end:]
        if all(token.kind == "mark" and token.text in ".!?…" for token in rest):
            return self._tokens[-1].end
        return stop
