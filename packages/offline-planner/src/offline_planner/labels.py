"""Parameters that are named in a request: enumerated values, flags, and labels with what links them to a value."""

from __future__ import annotations

from typing import Any

from .folding import fold
from .lexer import Token
from .lexicon import meanings, nouns
from .numbers import NUMBER_WORDS
from .scan import GRAMMAR, LINKS, NAMED, Scan, alike, is_long
from .schema import Parameter
from .subject import Subject

_YES = frozenset(["si", "yes", "true", "verdadero", "on"])
_NO = frozenset(["no", "false", "falso", "off"])


class Labels:
    """Takes values by what the tool calls them."""

    def __init__(self, scan: Scan, subject: Subject) -> None:
        self._scan = scan
        self._subject = subject

    def take(self, parameter: Parameter, value: Any) -> None:
        self._scan.found[parameter.name] = [value] if parameter.kind == "array" else value
        self._scan.pending, self._scan.soft, self._scan.last = None, (), parameter
        self._scan.place += 1

    def option(self, token: Token) -> Parameter | None:
        """An enumerated value, or a flag that is named."""
        for item in self._scan.card.parameters:
            if item.name in self._scan.found:
                continue
            for option in item.options:
                said = fold(str(option))
                if token.folded == said or (nouns(token.folded) & nouns(said)):
                    self.take(item, option)
                    return item
            if item.kind == "boolean" and item is self._scan.pending and token.folded in _YES | _NO:
                self.take(item, token.folded in _YES)
                return item
            if item.kind == "boolean" and meanings(token.folded) & item.concepts and self._scan.pending is None:
                following = (
                    self._scan.tokens[self._scan.place + 1].folded if self._scan.place + 1 < self._scan.end else ""
                )
                if following not in {"=", ":", "is", "es"} | _YES | _NO:
                    self.take(item, True)
                    return item
        if self._scan.pending is not None and self._scan.pending.options:
            if token.folded in GRAMMAR or meanings(token.folded) & self._scan.pending.concepts:
                return None
            self._scan.wrong = self._scan.pending.name
            self.take(self._scan.pending, token.text)
            return self._scan.card.parameters[0]
        return None

    def label(self) -> Parameter | None:
        """A parameter's name, with the words that link it to its value."""
        token, place = self._scan.tokens[self._scan.place], self._scan.place
        for item in self._scan.card.parameters:
            concepts = alike(item.concepts)
            words = [one for one in fold(item.name).replace("-", "_").split("_") if one]
            length = len(words) if [t.folded for t in self._scan.tokens[place : place + len(words)]] == words else 0
            if fold(item.name) == token.folded:
                length = 1
            if not length and not (
                meanings(token.folded) & concepts and (len(words) == 1 or nouns(token.folded) & concepts)
            ):
                continue
            if item.name in self._scan.found or not self._labels(item, place + (length or 1)):
                continue
            self._subject.refuse_plural(token)
            self._scan.place += length or 1
            self._scan.spoken |= meanings(token.folded) & self._scan.card.about
            links = {"=", "is", "es", "de", "of"} if is_long(item) else LINKS - {":"}
            while self._scan.place < self._scan.end and self._scan.tokens[self._scan.place].folded in links:
                self._scan.place += 1
            self._scan.pending, self._scan.soft = item, ()
            return item
        return None

    def _labels(self, item: Parameter, after: int) -> bool:
        """Whether a value follows a label; the tool's own noun alone ("el documento 7") is none unless one does."""
        if after >= self._scan.end:
            return False
        following = self._scan.tokens[after]
        if following.folded in ("=", ":") or following.kind in ("quote", "email", "url", "path", "day"):
            return True
        if item.kind in ("number", "integer"):
            return following.kind == "number" or following.folded in NUMBER_WORDS or following.folded in LINKS
        if item.options or item.kind == "boolean":
            return True
        said = meanings(self._scan.tokens[after - 1].folded)
        if said & self._scan.card.about and following.folded in NAMED | GRAMMAR:
            return False
        if following.folded in LINKS and after + 1 < self._scan.end:
            return not (meanings(self._scan.tokens[after + 1].folded) & self._scan.card.about)
        if following.kind not in ("word", "number") or following.folded in ("con", "with"):
            return False
        return following.folded not in GRAMMAR or is_long(item) or following.text[:1].isupper()
