"""The grammar of arithmetic. Every reading of the whole step is found; more than one with different values is asked.

Readings are found by recursive descent with a table, over at most a few hundred tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .folding import phrase_table, word_set
from .lexer import Token
from .numbers import Reader
from .operands import Operands, Reading
from .plan import Operation, Previous
from .trees import distinct, factor, is_bare, put_onto

_ORDERS = frozenset(("order", "inf", "wish", "you"))
_DOING = word_set("haz do realiza efectua hagas hacer halla hallar halles take calc compute")
_BY = word_set("por by times veces x * con with")
_QUESTION = phrase_table(
    "cuanto es|cuanto son|cuanto da|cuanto dan|cuanto hacen|cuanto hace|cuanto vale|cuanto seria|cuanto serian"
    "|cuanto resulta|a cuanto equivale|cuanto sale|cual es|cual seria|cuales son|que es|que da|que resulta de"
    "|what is|what are|what's|whats|how much is|how much are|what would|cuanto|cuanto me da|cuantas son|what does"
    "|how much does|what do|cuantos son|what|how much"
)
_TAIL = (("=",), ("?",), ("=", "?"), ("igual", "a"), ("equals",), ("equal",), ("es", "igual", "a"), ("make",), ("be",),
         ("es",), ("is",), ("come", "to"), ("da",), ("son",), ("together",))  # fmt: skip


class Sums:
    """The arithmetic of one step. `reader` reads numbers in the same tokens."""

    def __init__(self, tokens: list[Token], reader: Reader) -> None:
        self._at = Operands(tokens, reader)
        self._at.orders = self
        self._continued = False

    def readings(self, start: int, end: int, continued: bool) -> list[Any]:
        """Returns the trees that all tokens from `start` to `end` can mean. `continued`: a result came before, so that
        an operation may leave its first operand out."""
        self._at.begin(end)
        self._continued = continued
        found = [tree for tree, after in self._step(start) if after == end and not is_bare(tree)]
        return distinct(tree for tree in found if self._at.same_units(tree))

    def operands(self, start: int, end: int) -> list[Any]:
        """Returns the trees of an operation that stands in place of a text: "el resultado de sumar 3 y 4"."""
        self._at.begin(end)
        self._continued = False
        return distinct(tree for tree, after in self._at.operand(start) if after == end and isinstance(tree, Operation))

    def spoken(self, start: int, end: int, continued: bool) -> list[Any]:
        """Returns the trees of an operation named by its infinitive or gerund: "sumar 4 y 6", "adding 4 and 6"."""
        self._at.begin(end)
        self._continued = continued
        verb = self._at.verb(start, "add", "multiply", "subtract", "divide", "double", "triple", "halve")
        if verb is None or not verb[2] & {"inf", "ing", "wish", "you"}:
            return []
        return distinct(tree for tree, after in self.commanded(verb[0], verb[1], start + 1) if after == end)

    def reference(self, start: int, end: int) -> list[Reading]:
        """Returns what was said before, if it is spoken of at `start`, with the place behind it."""
        self._at.begin(end)
        return list(self._at.reference(start))

    def _step(self, place: int) -> Iterable[Reading]:
        for tree, after in self._spoken(place):
            yield tree, after
            yield from ((tree, end) for end in self._tails(after))

    def _tails(self, place: int) -> Iterable[int]:
        for words in _TAIL:
            if tuple(self._at.words[place : place + len(words)]) == words and place + len(words) == self._at.end:
                yield self._at.end

    def _spoken(self, place: int) -> Iterable[Reading]:
        yield from self._order(place)
        yield from self._at.expression(place)
        for words in _QUESTION:
            if tuple(self._at.words[place : place + len(words)]) == words:
                after = place + len(words)
                yield from self._at.expression(after)
                yield from self._bare_verb(after)
        verb = self._at.verb(place, "calculate", "put", "get", "tell", "show", "search")
        if verb is not None:
            after = self._at.skip(place + 1, (":",))
            yield from self._at.expression(after)
            yield from self._bare_verb(after)
        if self._at.word(place) in _DOING:
            yield from self._at.expression(place + 1)
        if self._continued:
            yield from self._leading_sign(place)
        yield from self._joined_behind(place)

    def _bare_verb(self, place: int) -> Iterable[Reading]:
        """An infinitive or a present behind a question: "cuánto es sumar 3 y 4", "cuánto suman 3 y 4"."""
        if self._at.word(place) in ("suman", "sumarian"):
            yield from self._at.listed("add", place + 1)
        verb = self._at.verb(place, "add", "multiply", "subtract", "divide")
        if verb is not None and "inf" in verb[2]:
            yield from self._order(place)

    def _joined_behind(self, place: int) -> Iterable[Reading]:
        """ "¿3 y 4 cuánto suman?", "what do 3 and 4 add up to?"."""
        asked = [self._at.word(at) for at in range(place, place + 3)]
        start = place + (2 if asked[:2] in (["what", "do"], ["cuanto", "son"], ["cuanto", "hacen"]) else 0)
        start = place + 3 if asked == ["how", "much", "do"] else start
        for items, after in self._at.items(start):
            words = [word for word in self._at.words[after : self._at.end] if word not in ",¿?"]
            if (
                len(items) > 1 and words in (["cuanto", "suman"], ["suman", "cuanto"], ["add", "up", "to"], ["make"])
            ) or (len(items) > 1 and not words and asked[0] == "cuanto" and start == place + 2):
                yield Operation("add", tuple(items)), self._at.end

    def _leading_sign(self, place: int) -> Iterable[Reading]:
        """An operator on the result before: "por 2", "times 2", "plus 4"."""
        for concept, after in self._at.operators(place):
            yield from (
                (Operation(concept, (Previous(named=False), right)), end) for right, end in self._at.operand(after)
            )

    def _order(self, place: int) -> Iterable[Reading]:
        place, hung = self._before_verb(place)
        yield from self._amount_first(place)
        result = self._result_first(place)
        if result:
            place, hung = result, "lo"
        if self._at.verb(place, "increase"):
            for left, after in self._at.operand(place + 1):
                if self._at.word(after) in ("en", "by"):
                    yield from ((Operation("add", (left, right)), end) for right, end in self._at.operand(after + 1))
        for concept in ("add", "put_in", "subtract", "multiply", "divide", "power", "double", "triple", "halve"):
            verb = self._at.verb(place, concept)
            if verb is not None and verb[2] & _ORDERS:
                yield from self.commanded(concept, verb[1] or hung, place + 1)

    def _before_verb(self, place: int) -> tuple[int, str]:
        if self._at.word(place) in ("le", "lo", "los", "la", "las", "me", "les"):
            return place + 1, self._at.word(place)
        return place, ""

    def _result_first(self, place: int) -> int:
        """ "Al resultado súmale 3", "el resultado multiplícalo por 2": returns the place of the verb, or 0."""
        start = place + (self._at.word(place) in ("al", "a", "to"))
        for tree, after in self._at.reference(start) if self._continued else ():
            if isinstance(tree, Previous) and self._at.verb(after, "add", "subtract", "multiply", "divide"):
                return after
        return 0

    def _amount_first(self, place: int) -> Iterable[Reading]:
        """ "Al doble de 8 súmale 3", "a 10 réstale 4"."""
        if self._at.word(place) not in ("al", "a"):
            return
        for tree, after in self._at.operand(place + 1):
            verb = self._at.verb(after, "add", "put_in", "subtract")
            if verb is not None and verb[1] == "le" and not isinstance(tree, Previous):
                concept = "subtract" if verb[0] == "subtract" else "add"
                yield from ((Operation(concept, (tree, right)), end) for right, end in self._at.operand(after + 1))

    def commanded(self, concept: str, clitic: str, place: int) -> Iterable[Reading]:
        many = clitic in ("los", "las", "les")
        hung = Previous(many=many) if clitic not in ("", "me", "nos") else None
        place = self._at.skip(place, ("up", "together", "please"))
        if concept in ("double", "triple", "halve"):
            yield from self._scaled(concept, hung, place)
            return
        concept = "add" if concept == "put_in" else concept
        if hung is None:
            yield from self._at.listed(concept, self._at.skip(place, (":", "together")))
            yield from self._at.listed(concept, self._at.label(place))
            yield from self.paired(concept, place)
            if concept == "multiply" and self._at.word(place) in ("por", "by"):  # "multiplica por 2 la suma de 3 y 4"
                for factor, after in self._at.operand(place + 1):
                    yield from ((Operation(concept, (factor, tree)), end) for tree, end in self._at.operand(after))
            for tree, after in self._at.reference(place):
                if tree == Previous(many=True) and concept in ("add", "multiply"):
                    yield Operation(concept, (tree,)), after
        elif many:
            if concept in ("add", "multiply"):
                yield Operation(concept, (hung,)), place
        else:
            yield from self._onto(concept, hung, place)
        if hung is None and self._continued:
            yield from self._onto(concept, Previous(named=False), place)

    def _scaled(self, concept: str, hung: Any, place: int) -> Iterable[Reading]:
        if hung is not None:
            yield factor(concept, hung), place
        else:
            yield from ((factor(concept, tree), after) for tree, after in self._at.operand(place))

    def _onto(self, concept: str, previous: Previous, place: int) -> Iterable[Reading]:
        """One operand given, the other said before: "súmale 3", "multiplícalo por 2", "divide it by 3"."""
        starts = {"add": ("",), "subtract": ("",), "multiply": ("por", "by"), "divide": ("entre", "por", "by"),
                  "power": ("a", "al", "to")}[concept]  # fmt: skip
        for start in starts:
            after = place + bool(start) if not start or self._at.word(place) == start else -1
            if after < 0:
                continue
            for tree, end in self._at.operand(after):
                yield Operation(concept, (previous, tree)), end
                for target, last in self._target(end):
                    yield put_onto(concept, tree, target), last

    def _target(self, place: int) -> Iterable[Reading]:
        if self._at.word(place) in ("a", "al", "to"):
            yield from self._at.operand(place + 1)

    def paired(self, concept: str, place: int) -> Iterable[Reading]:
        """An order with two operands: "multiplica A por B", "resta A de B", "add A to B"."""
        for left, after in self._at.operand(place):
            word = self._at.word(after)
            if concept == "multiply" and word in _BY:
                yield from self._chain(concept, [left], after)
                yield from self._share(left, after + 1)
            elif concept == "divide" and word in ("entre", "por", "by", "/"):
                yield from ((Operation("divide", (left, right)), end) for right, end in self._at.operand(after + 1))
            elif concept == "power" and word in ("a", "to"):
                yield from self._raised(left, after + 1)
            elif concept == "power" and word == "al":
                yield from self._at.powered(left, after)
            elif concept == "add" and word in ("a", "al", "to", "con", "with"):
                yield from ((Operation("add", (left, right)), end) for right, end in self._at.operand(after + 1))
            elif concept == "subtract" and word in ("a", "al", "de", "del", "from"):
                yield from ((Operation("subtract", (right, left)), end) for right, end in self._at.operand(after + 1))
            elif concept == "subtract" and word in ("menos", "minus", "-"):
                yield from ((Operation("subtract", (left, right)), end) for right, end in self._at.operand(after + 1))

    def _raised(self, left: Any, place: int) -> Iterable[Reading]:
        after = place
        for word in ("the", "power", "of", "la", "potencia", "de"):
            after = self._at.skip(after, (word,))
        yield from ((Operation("power", (left, right)), end) for right, end in self._at.operand(after))

    def _share(self, left: Any, place: int) -> Iterable[Reading]:
        """ "multiplica 200 por 15 %"."""
        number = self._at.reader.read(place) if place < self._at.end else None
        if number is not None and self._at.word(number.after) in ("%", "percent"):
            yield Operation("multiply", (left, number.value / 100)), number.after + 1

    def _chain(self, concept: str, items: list[Any], place: int) -> Iterable[Reading]:
        if self._at.word(place) in _BY:
            for tree, after in self._at.operand(place + 1):
                yield Operation(concept, (*items, tree)), after
                yield from self._chain(concept, [*items, tree], after)

    def furthest(self) -> int:
        """Returns the place behind the last word that had a reading; 0 if none had."""
        return self._at.furthest()
