"""What an operation of arithmetic works on: amounts, expressions, named operations, what was said before.

A rule returns the readings that begin at a place, each with the place behind it, and keeps them in a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Protocol

from .folding import word_set
from .lexer import Token
from .lexicon import nouns, verbs
from .numbers import Reader
from .plan import Operation, Previous
from .trees import factor, join, numbers

Reading = tuple[Any, int]
_MOST_READINGS = 48
_MOST_ITEMS = 256
_DEEPEST = 48
_SIGNS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "^": "power", "**": "power"}
_INFIX = {
    ("mas",): "add", ("plus",): "add", ("menos",): "subtract", ("minus",): "subtract", ("por",): "multiply",
    ("times",): "multiply", ("x",): "multiply", ("veces",): "multiply", ("entre",): "divide", ("over",): "divide",
    ("multiplicado", "por"): "multiply", ("multiplied", "by"): "multiply", ("dividido", "entre"): "divide",
    ("dividido", "por"): "divide", ("divided", "by"): "divide", ("elevado", "a"): "power",
    ("elevado", "a", "la"): "power", ("to", "the", "power", "of"): "power", ("to", "the", "power"): "power",
    ("sumado", "a"): "add", ("sumado", "con"): "add", ("added", "to"): "add",
}  # fmt: skip
_FACTOR_SIGNS = frozenset("*/")
_RANK = {"add": 1, "subtract": 1, "multiply": 2, "divide": 2, "power": 3}
_ARTICLES = word_set("el la los las the lo")
_AND = frozenset(("y", "e", "and", "&"))
_FACTORS = {"doble": 2, "triple": 3, "triplo": 3, "cuadruple": 4, "quintuple": 5, "twice": 2, "thrice": 3, "double": 2,
            "quadruple": 4, "duplo": 2}  # fmt: skip
_RESULT_WORDS = frozenset(["resultado", "result", "total", "respuesta", "answer"])
_POINTING = word_set("eso esto ello it that this")
_PLURAL = frozenset(["them", "ambos", "both"])
_NOT_UNITS = word_set(
    "y e and o or a al de del of to from by con with en in por entre que lo it the el la los las un una no not si"
    " if then luego despues mas menos plus minus times x veces sin without hasta until algo something cada each"
    " otro other another squared cubed y/o cuyo whose pero but excepto except salvo unless this that eso esto es"
    " is son are igual equals mil together please gracias thanks primero first"
    " cientos centenas tens hundreds tenths hundredths thousandths decimas centesimas milesimas thirds halves quarters"
    " fifths sixths tercios quintos sextos decimos scores pairs couples percents puntos decimales cifras digits"
)  # fmt: skip
_MONEY = word_set("€ $ £ euro dolar dollar peso pound libra usd eur dolare")
_MEASURES = word_set("kg g mg km m cm mm l ml h min kilo metro litro euro dolar peso meter liter")


class Orders(Protocol):
    """The operations that are named by a verb, which an operand can hold: "el resultado de sumar 3 y 4"."""

    def commanded(self, concept: str, clitic: str, place: int) -> Iterable[Reading]: ...

    def paired(self, concept: str, place: int) -> Iterable[Reading]: ...


class Operands:
    """The operands in one request's tokens, up to `end`; `orders` is set by the grammar that holds them."""

    orders: Orders

    def __init__(self, tokens: list[Token], reader: Reader) -> None:
        self._tokens = tokens
        self.reader = reader
        self.words = [token.folded if token.kind in ("word", "mark") else "" for token in tokens]
        self.begin(len(tokens))

    def begin(self, end: int) -> None:
        """Begins anew, with the tokens up to `end`."""
        self.end = end
        self._depth = 0
        self._known: dict[tuple[str, int], list[Reading]] = {}
        self.units: dict[int, str] = {}
        # Trees whose last operand an operator behind them could belong to: "the sum of 3 and 4 times 2".
        self._loose: dict[int, Any] = {}
        # Those that could reach over more than one number: "the double of 3 and 4".
        self._reaching: dict[int, Any] = {}

    def word(self, place: int) -> str:
        return self.words[place] if place < self.end else ""

    def skip(self, place: int, words: Iterable[str]) -> int:
        return place + 1 if place < self.end and self.word(place) in words else place

    def noun(self, place: int, *concepts: str) -> bool:
        return (
            place < self.end and self._tokens[place].kind == "word" and not nouns(self.word(place)).isdisjoint(concepts)
        )

    def verb(self, place: int, *concepts: str) -> tuple[str, str, frozenset[str]] | None:
        """Returns concept, hanging pronoun and moods of the verb at `place`, if it is one of these."""
        if place >= self.end or self._tokens[place].kind != "word":
            return None
        for verb in verbs(self.words[place], self._tokens[place].ending()):
            if verb.concept in concepts:
                return verb.concept, verb.clitic, verb.moods
        return None

    def _memo(self, rule: str, place: int, work: Callable[[int], Iterable[Reading]]) -> list[Reading]:
        key = (rule, place)
        if key not in self._known:
            self._known[key] = []  # a rule that comes back to itself at the same place has no reading there
            if self._depth < _DEEPEST:
                self._depth += 1
                self._known[key] = list(work(place))[:_MOST_READINGS]
                self._depth -= 1
        return self._known[key]

    def listed(self, concept: str, place: int) -> Iterable[Reading]:
        if concept in ("add", "multiply"):
            for items, after in self.items(place):
                if len(items) > 1:
                    yield Operation(concept, tuple(items)), after
        if concept == "add":
            for items, after in self.items(place, frozenset(("mas", "plus", "+"))):
                if len(items) > 1:
                    yield Operation(concept, tuple(items)), after

    def items(self, place: int, between: frozenset[str] | None = None) -> Iterable[tuple[list[Any], int]]:
        """Operands with commas and "and" between them, or side by side: "3, 4 y 5", "3 4 5"."""
        found: list[tuple[list[Any], int]] = [([tree], after) for tree, after in self.operand(place)]
        for items, after in found:
            if len(found) > _MOST_ITEMS:
                break
            yield items, after
            following = self._separated(after, between)
            if following > after:
                # "el doble de 3 y 4" may be of both numbers.
                reaches = id(items[-1]) in self._reaching
                found += [
                    ([*items, tree], end)
                    for tree, end in self.operand(following)
                    if not (reaches and isinstance(tree, Decimal))
                ]
        if between is None:
            yield from self._side_by_side(place)

    def _separated(self, place: int, between: frozenset[str] | None) -> int:
        if between is not None:
            return place + 1 if self.word(place) in between else place
        after = self.skip(place, (",", ";"))
        return self.skip(after, _AND)

    def _side_by_side(self, place: int) -> Iterable[tuple[list[Any], int]]:
        """Bare numbers with nothing but blanks between them, where no group of three could be meant: "3 4 5"."""
        items: list[Any] = []
        while place < self.end and self._tokens[place].kind == "number":
            number = self.reader.read(place)
            if number is None or number.after != place + 1:
                return
            if items and (self._tokens[place].glued or len(self._tokens[place].text) == 3):
                return
            items.append(number.value)
            place += 1
        if len(items) > 1:
            yield items, place

    def label(self, place: int) -> int:
        """ "los números", "these numbers:", "the following:"."""
        after = place
        while self.word(after) in (
            "los",
            "las",
            "the",
            "estos",
            "these",
            "siguientes",
            "following",
            "dos",
            "two",
            "de",
        ):
            after += 1
        if self.noun(after, "number"):
            after = self.skip(after + 1, ("siguientes", "following"))
            return self.skip(after, (":",))
        return self.skip(after, (":",)) if after > place and self.word(after) == ":" else self.end

    def expression(self, place: int) -> list[Reading]:
        return self._memo("expression", place, lambda start: self._infix(start, 1))

    def _infix(self, place: int, rank: int) -> Iterable[Reading]:
        """Operands with operators between them; those of the same rank are joined from the left."""
        firsts = (
            self.operand(place)
            if rank > 3
            else self._memo(f"rank{rank + 1}", place, lambda p: self._infix(p, rank + 1))
        )
        if rank > 3:
            yield from firsts
            return
        grown = list(firsts)
        for tree, after in grown:
            if len(grown) > _MOST_READINGS:
                break
            yield tree, after
            for concept, start in self.operators(after) if id(tree) not in self._loose else ():
                if _RANK[concept] == rank:
                    rights = self._memo(f"rank{rank + 1}", start, lambda p: self._infix(p, rank + 1))
                    grown += [(join(concept, tree, right), end) for right, end in rights]

    def operators(self, place: int) -> Iterable[tuple[str, int]]:
        word = self.word(place)
        if word == "*" and self.word(place + 1) == "*":
            yield "power", place + 2
        elif word in _SIGNS and place < self.end and self._tokens[place].kind == "mark":
            yield _SIGNS[word], place + 1
        for length in (1, 2, 3, 4):
            concept = _INFIX.get(tuple(self.words[place : min(place + length, self.end)]))
            if concept is not None and place + length <= self.end and len(self.words[place : place + length]) == length:
                yield concept, place + length

    def operand(self, place: int) -> list[Reading]:
        return self._memo("operand", place, self._operand_once)

    def _operand_once(self, place: int) -> Iterable[Reading]:
        if place >= self.end:
            return
        found = list(self._atom(place))
        for tree, after in found:
            yield tree, after
            yield from self.powered(tree, after)
            if not self._chains(self._glued_sign(place - 1), self._glued_sign(after)):
                yield from self._glued(tree, after)

    def _chains(self, sign: str, following: str) -> bool:
        """Whether two signs without blanks join from the left; "1/2/2024" may be a day."""
        return {sign, following} <= _FACTOR_SIGNS and "*" in (sign, following)

    def _glued(self, tree: Any, place: int) -> Iterable[Reading]:
        """Signs without blanks around them bind within a list, from the left: "suma 2*3*4 y 5"."""
        sign = self._glued_sign(place)
        for right, after in self._atom(place + 1) if sign else ():
            joined = Operation(_SIGNS[sign], (tree, right))
            yield joined, after
            if self._chains(sign, self._glued_sign(after)):
                yield from self._glued(joined, after)

    def _glued_sign(self, place: int) -> str:
        """The sign at a place that has no blank on either side, or ""."""
        if not 0 < place < self.end - 1 or not self._tokens[place].glued or not self._tokens[place + 1].glued:
            return ""
        sign = self.word(place)
        return sign if self._tokens[place].kind == "mark" and sign in ("*", "/", "^") else ""

    def _atom(self, place: int) -> Iterable[Reading]:
        if self.word(place) == "(":
            for tree, after in self.expression(place + 1):
                if self.word(after) == ")":
                    yield Operation(tree.concept, tree.operands) if isinstance(tree, Operation) else tree, after + 1
        for tree, after in (*self._amount(place), *self._named_operation(self.skip(place, _ARTICLES))):
            if isinstance(tree, Operation):
                self._loose[id(tree)] = tree
                if not self.noun(self.skip(place, _ARTICLES), "sum", "product", "difference", "quotient"):
                    self._reaching[id(tree)] = tree
            yield tree, after
        yield from self.reference(place)

    def _amount(self, place: int) -> Iterable[Reading]:
        """A number with its sign, its percent or its unit; a factor: "el doble de 8", "half of 10"."""
        start, sign = self._sign(place)
        if self.word(start) in ("$", "€", "£"):
            self.units[start] = self.word(start)
            start += 1
        if self.word(place) in ("el", "the") and self.noun(place + 1, "number") and sign == 1:
            start = place + 2
        if self.word(place) in ("el", "the") and place + 1 < self.end and self._tokens[place + 1].kind == "number":
            start = place + 1
        if self.word(place) in ("el", "un", "the", "los") and self._is_percent_ahead(place + 1):
            start = place + 1
        number = self.reader.read(start) if start < self.end else None
        if number is None or number.after > self.end:
            return
        value, after = sign * number.value, number.after
        if self.word(after) in ("%", "percent"):
            yield from self._percent(value, after + 1)
            return
        yield value, after
        unit = self._unit(after)
        if unit:
            yield value, unit

    def _is_percent_ahead(self, place: int) -> bool:
        return any(self.word(ahead) in ("%", "percent") for ahead in range(place, min(place + 6, self.end)))

    def _sign(self, place: int) -> tuple[int, int]:
        word = self.word(place)
        if word in ("menos", "minus", "negative"):
            return place + 1, -1
        if word in ("-", "+") and place + 1 < self.end and self._tokens[place + 1].glued:
            return place + 1, -1 if word == "-" else 1
        return place, 1

    def _unit(self, place: int) -> int:
        """The place behind a unit: a sign of money or one word that means nothing else; 0 if there is none."""
        if place >= self.end:
            return 0
        token = self._tokens[place]
        if token.kind == "mark" and token.text in "€$£":
            self.units[place] = token.text
            return place + 1
        word = token.folded
        if (
            token.kind != "word"
            or word in _NOT_UNITS
            or not word.isalpha()
            or token.text[:1].isupper()
            or len(word) < 2
        ):
            return 0
        if not word.endswith("s") and word not in _MONEY | _MEASURES:
            return 0
        if any(words[0] == word for words in _INFIX) or (
            verbs(word)
            or self.reader.starts_number(place)
            or nouns(word) & {"result", "sum", "product", "number", "upper"}
        ):
            return 0
        self.units[place] = word[:-1] if word.endswith("s") else word
        return place + 1

    def _percent(self, value: Decimal, place: int) -> Iterable[Reading]:
        if self.word(place) in ("de", "of", "del"):
            for tree, after in self.operand(place + 1):
                yield Operation("multiply", (value / 100, tree)), after

    def _named_operation(self, place: int) -> Iterable[Reading]:
        """ "la suma de 3 y 4", "the product of 3 and 4", "el doble de 8", "el resultado de sumar 3 y 4"."""
        of = ("de", "of", "del")
        word, following = self.word(place), self.word(place + 1)
        if word in _FACTORS:
            after = self.skip(place + 1, of)
            yield from (
                (Operation("multiply", (tree, Decimal(_FACTORS[word]))), end) for tree, end in self.operand(after)
            )
        if word in ("mitad", "half") and following in (*of, "the"):
            yield from ((factor("halve", tree), end) for tree, end in self.operand(place + 2))
        if word in ("cuadrado", "square", "cubo", "cube") and following in of:
            exponent = Decimal(2 if word in ("cuadrado", "square") else 3)
            yield from ((Operation("times_itself", (tree, exponent)), end) for tree, end in self.operand(place + 2))
        if following in of and self.noun(place, "sum"):
            yield from self.listed("add", self.skip(place + 2, ("los", "the")))
            yield from self.listed("add", self.label(place + 2))
        if word == "total" and following in of:
            yield from self.listed("add", place + 2)
        if following in (*of, "entre", "between") and self.noun(place, "product"):
            yield from self.listed("multiply", self.label(place + 2))
            yield from self.listed("multiply", place + 2)
            yield from self.orders.paired("multiply", place + 2)
        if following in (*of, "entre", "between") and self.noun(place, "difference", "quotient"):
            concept = "subtract" if self.noun(place, "difference") else "divide"
            joins = {*_AND, "menos", "minus"} if concept == "subtract" else {*_AND, "entre", "by", "por"}
            for left, after in self.operand(place + 2):
                if self.word(after) in joins:
                    yield from ((Operation(concept, (left, right)), end) for right, end in self.operand(after + 1))
        if word in _RESULT_WORDS and following in of:
            verb = self.verb(place + 2, "add", "multiply", "subtract", "divide", "power")
            if verb is not None and verb[2] & {"inf", "ing"}:
                yield from self.orders.commanded(verb[0], "", place + 2 + 1)
            yield from ((tree, end) for tree, end in self.expression(place + 2) if isinstance(tree, Operation))

    def reference(self, place: int) -> Iterable[Reading]:
        """What was said before: "el resultado", "it", "the previous result", "both results"."""
        start = place
        while self.word(place) in (
            "el",
            "the",
            "ese",
            "este",
            "that",
            "this",
            "lo",
            "los",
            "previous",
            "last",
            "ultimo",
            "las",
        ):
            place += 1
        word = self.word(place)
        if word in _RESULT_WORDS:
            after = place + 1
            while self.word(after) in ("anterior", "previo", "previous", "de", "antes") and after - place < 3:
                after += 1
            yield Previous(), after
        elif word in ("resultados", "results"):
            yield Previous(many=True), self.skip(place + 1, ("anteriores",))
        elif (word == "anterior" and place > start) or (place == start and word in _POINTING):
            yield Previous(), place + 1
        elif place > start and self.word(place - 1) in ("that", "this"):
            yield Previous(), place
        elif word in _PLURAL:
            yield Previous(many=True), place + 1

    def powered(self, left: Any, place: int) -> Iterable[Reading]:
        """ "al cuadrado", "al cubo", "squared", "cubed"."""
        after = self.skip(place, ("al",))
        exponent = {"cuadrado": 2, "cubo": 3, "squared": 2, "cubed": 3}.get(self.word(after))
        if exponent is not None and (after > place) == (self.word(after) in ("cuadrado", "cubo")):
            yield Operation("times_itself", (left, Decimal(exponent))), after + 1

    def furthest(self) -> int:
        """Returns the place behind the last word that had a reading; 0 if none had."""
        return max((after for found in self._known.values() for _, after in found), default=0)

    def same_units(self, tree: Any) -> bool:
        """Whether all numbers are of one unit; where it is no money, each of them has to say so."""
        named = set(self.units.values())
        return not named or (len(named) == 1 and (named <= _MONEY or len(self.units) >= len(list(numbers(tree)))))
