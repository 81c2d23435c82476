"""Filling a tool's parameters from the words of a step, by their types and names alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .calls import Earlier
from .cards import NAME_WORD_WEIGHT, Card
from .concepts import WEIGHTS
from .folding import fold, stem
from .lexer import Token
from .lexicon import look_up
from .passages import remaining
from .schema import Parameter

# Concepts below this weight ("text", "convert") stand in what is asked and in what it is asked about alike.
_TELLING = 0.3

_FROM = frozenset(stem(word) for word in ["from", "source", "origin", "origen", "desde", "de", "src"])
_TO = frozenset(stem(word) for word in ["to", "target", "destination", "destino", "hacia", "a", "dest", "into"])
_FROM_WORDS = frozenset(["from", "de", "desde", "del"])
_TO_WORDS = frozenset(["to", "a", "hacia", "al", "into", "en", "in"])
_PERCENT = frozenset(stem(word) for word in ["percent", "percentage", "porcentaje", "pct", "descuento", "discount"])
_YES = frozenset(["si", "yes", "true", "verdadero"])
_NO = frozenset(["no", "false", "falso", "without", "sin"])
_LINKS = frozenset(["de", "es", "is", "of", "to", "a", "sea"])


class Missing(Exception):
    """Required parameters that the step does not say; `names` them."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = tuple(names)


class Filler:
    """Fills one tool's parameters from one step, using each number and quote once.

    `subject` stands for a text that is not said (or is "it"), `result` for the result of the step before;
    `refers` says that the step speaks of them, so that they come before free text.
    """

    def __init__(
        self,
        card: Card,
        tokens: Sequence[Token],
        question: str,
        *,
        subject: Any = None,
        result: Earlier | None = None,
        refers: bool = False,
    ) -> None:
        self._card = card
        self._tokens = tokens
        self._question = question
        self._subject = subject
        self._result = result
        self._refers = refers
        self._used: set[int] = set()
        self._texts = [item for item in card.parameters if item.kind in ("string", "any") and not item.options]

    def fill(self) -> dict[str, Any]:
        """The arguments. Raises `Missing` when a required one cannot be found."""
        found: dict[str, Any] = {}
        order = sorted(self._card.parameters, key=lambda item: _ORDER.get(item.kind, 3) if not item.options else 0)
        for parameter in order:
            value = self._value(parameter)
            if value is not None:
                found[parameter.name] = value
        lacking = [item.name for item in self._card.parameters if item.required and item.name not in found]
        if lacking:
            raise Missing(lacking)
        return {item.name: found[item.name] for item in self._card.parameters if item.name in found}

    def _value(self, parameter: Parameter) -> Any:
        if parameter.options:
            return self._option(parameter)
        kind = parameter.kind
        if kind in ("number", "integer"):
            return self._number(parameter)
        if kind == "boolean":
            return self._truth(parameter)
        if kind == "array":
            return self._members(parameter)
        if kind == "object":
            return self._object(parameter)
        return self._text(parameter)

    # --- one type each -----------------------------------------------------------------------------------

    def _option(self, parameter: Parameter) -> Any:
        if len(parameter.options) == 1:
            return parameter.options[0] if parameter.required else None
        by_word = {fold(str(option)): option for option in parameter.options}
        for token in self._tokens:
            if token.folded in by_word:
                return by_word[token.folded]
            if token.kind == "quote" and fold(token.text) in by_word:
                return by_word[fold(token.text)]
        concepts = {name for token in self._tokens for name in (*token.entry.concepts, token.entry.operation) if name}
        for word, option in by_word.items():
            entry = look_up(word)
            if concepts.intersection(entry.concepts) or (entry.operation and entry.operation in concepts):
                return option
        return None

    def _number(self, parameter: Parameter) -> Any:
        place = self._named_place(parameter, "number")
        if place is None and not (parameter.required or self._mentioned(parameter) or len(self._card.numeric) == 1):
            return None
        if place is None:
            place = next((i for i, token in enumerate(self._tokens) if token.number and i not in self._used), None)
        if place is None:
            return self._result if parameter.required and self._result is not None else None
        self._used.add(place)
        number = self._tokens[place].number
        if number is None:
            return None
        value = number.value if number.percent and parameter.words & _PERCENT else number.amount()
        if parameter.kind == "integer" and isinstance(value, float):
            return None
        return value

    def _truth(self, parameter: Parameter) -> bool | None:
        mentioned = self._mentioned(parameter)
        if not parameter.required and not mentioned:
            return None
        words = {token.folded for token in self._tokens}
        if words & _NO:
            return False
        return True if mentioned or words & _YES else None

    def _members(self, parameter: Parameter) -> list[Any] | None:
        if parameter.items in ("number", "integer"):
            values = [t.number.amount() for i, t in enumerate(self._tokens) if t.number and i not in self._used]
            return values or None
        quotes = [token.text for token in self._tokens if token.kind == "quote"]
        if quotes:
            return quotes
        text = remaining(self._tokens, self._question, self._asks)
        parts = [part.strip() for part in _split_list(text) if part.strip()]
        return parts if parts and (parameter.required or len(parts) > 1) else None

    def _object(self, parameter: Parameter) -> dict[str, Any] | None:
        """A required object is filled from the same words as if its properties were the tool's own."""
        if not parameter.required or not parameter.properties:
            return None
        numeric = tuple(item for item in parameter.properties if item.kind in ("number", "integer"))
        inner = msgspec.structs.replace(self._card, parameters=parameter.properties, numeric=numeric)
        filler = Filler(inner, self._tokens, self._question, subject=self._subject, result=self._result)
        filler._used = self._used
        try:
            return filler.fill()
        except Missing as lack:
            raise Missing([f"{parameter.name}.{name}" for name in lack.names]) from None

    def _text(self, parameter: Parameter) -> Any:
        if parameter.kind == "any" and parameter.required and not any(t.kind == "quote" for t in self._tokens):
            value = self._number(parameter)
            if value is not None:
                return value
        several = len(self._texts) > 1
        if several:
            value = self._said_of(parameter)
            if value:
                return value
        quote = next((i for i, t in enumerate(self._tokens) if t.kind == "quote" and i not in self._used), None)
        if quote is not None and (parameter.required or len(self._texts) == 1):
            self._used.add(quote)
            return self._tokens[quote].text
        if not parameter.required and (several or parameter.has_default):
            return None
        if self._refers and self._subject is not None:
            return self._subject
        text = self._free_text(parameter)
        if text:
            return text
        return self._subject if parameter.required else None

    # --- finding words -----------------------------------------------------------------------------------

    def _free_text(self, parameter: Parameter) -> str:
        unused = [t for i, t in enumerate(self._tokens) if i not in self._used]
        text = remaining(unused, self._question, self._asks)
        if text and len(self._texts) > 1:
            self._used.update(i for i, t in enumerate(self._tokens) if t.kind == "word" and t.text in text)
        if not text and parameter.required:
            number = next((t for i, t in enumerate(self._tokens) if t.number and i not in self._used), None)
            text = self._question[number.start : number.end] if number else ""
        return text

    def _asks(self, token: Token) -> bool:
        """Whether the word is one that asks for this tool."""
        card = self._card
        if token.entry.part == "strong":
            return True
        if token.entry.concepts:
            told = [name for name in token.entry.concepts if WEIGHTS[name] >= _TELLING]
            return any(name in card.named or name in card.options or name in card.described for name in told)
        return token.kind == "word" and card.stems.get(stem(token.folded)) == NAME_WORD_WEIGHT

    def unused_numbers(self) -> bool:
        """Whether the step says numbers that were not used, though the tool takes only numbers."""
        only_numbers = len(self._card.numeric) == len(self._card.parameters) > 0
        return only_numbers and any(t.number and i not in self._used for i, t in enumerate(self._tokens))

    def _mentioned(self, parameter: Parameter) -> bool:
        return any(token.kind == "word" and stem(token.folded) in parameter.words for token in self._tokens)

    def _named_place(self, parameter: Parameter, kind: str) -> int | None:
        """The place of a value said right after the parameter's name: "edad 30", "age: 30", "limit = 5"."""
        for place, token in enumerate(self._tokens):
            if token.kind == "word" and stem(token.folded) in parameter.words:
                for ahead in range(place + 1, min(place + 4, len(self._tokens))):
                    value = self._tokens[ahead]
                    if value.kind == kind and ahead not in self._used:
                        return ahead
                    if value.text not in ":=" and value.folded not in _LINKS:
                        break
        return None

    def _said_of(self, parameter: Parameter) -> str:
        """What is said of one text among several: by the parameter's name, or by "de/from" and "a/to"."""
        place = self._named_place(parameter, "quote")
        if place is not None:
            self._used.add(place)
            return self._tokens[place].text
        for index, token in enumerate(self._tokens):
            if token.kind == "word" and stem(token.folded) in parameter.words and self._is_label(index):
                return self._words_from(index + 1)
        if parameter.words & _TO:
            return self._after(_TO_WORDS)
        if parameter.words & _FROM:
            return self._after(_FROM_WORDS) or self._after_number()
        return ""

    def _is_label(self, index: int) -> bool:
        return index + 1 < len(self._tokens) and self._tokens[index + 1].text in (":", "=")

    def _after(self, prepositions: frozenset[str]) -> str:
        for index in range(len(self._tokens) - 1, -1, -1):
            if self._tokens[index].folded in prepositions:
                text = self._words_from(index + 1)
                if text:
                    return text
        return ""

    def _after_number(self) -> str:
        for index, token in enumerate(self._tokens):
            if token.number:
                return self._words_from(index + 1)
        return ""

    def _words_from(self, index: int) -> str:
        """The words from here to the next preposition, number or mark."""
        while index < len(self._tokens) and self._tokens[index].text in (":", "="):
            index += 1
        first = index
        while index < len(self._tokens) and index not in self._used:
            token = self._tokens[index]
            if token.kind == "quote" and index == first:
                self._used.add(index)
                return token.text
            if token.kind != "word" or token.entry.part in ("function", "filler", "weak", "operator"):
                break
            index += 1
        if index == first:
            return ""
        self._used.update(range(first, index))
        return self._question[self._tokens[first].start : self._tokens[index - 1].end]


_ORDER = {"boolean": 1, "number": 1, "integer": 1, "string": 2, "any": 2}


def _split_list(text: str) -> list[str]:
    for word in (" y ", " and ", " e "):
        text = text.replace(word, ",")
    return text.split(",")
