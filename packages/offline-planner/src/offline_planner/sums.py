"""The grammar of arithmetic. Every reading of the whole step is found; more than one with different values is asked.

Readings are found by recursive descent with a table, over at most a few hundred tokens. A rule returns the readings
that begin at a place, each with the place behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .folding import phrase_table, word_set
from .lexer import Token
from .lexicon import nouns, verbs
from .numbers import Reader
from .plan import Operation, Previous

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
_RANK = {"add": 1, "subtract": 1, "multiply": 2, "divide": 2, "power": 3}
_ORDERS = frozenset(("order", "inf", "wish", "you"))
_ARTICLES = word_set("el la los las the lo")
_AND = frozenset(("y", "e", "and", "&"))
_FACTORS = {"doble": 2, "triple": 3, "triplo": 3, "cuadruple": 4, "quintuple": 5, "twice": 2, "thrice": 3, "double": 2,
            "quadruple": 4, "duplo": 2}  # fmt: skip
_BY = word_set("por by times x * con with")
_RESULT_WORDS = frozenset(["resultado", "result", "total", "respuesta", "answer"])
_POINTING = word_set("eso esto ello it that this")
_PLURAL = frozenset(["them", "ambos", "both"])
_NOT_UNITS = word_set(
    "y e and o or a al de del of to from by con with en in por entre que lo it the el la los las un una no not si"
    " if then luego despues mas menos plus minus times x veces sin without hasta until algo something cada each"
    " otro other another squared cubed y/o cuyo whose pero but excepto except salvo unless this that eso esto es"
    " is son are igual equals mil together please gracias thanks primero first"
)  # fmt: skip
_MONEY = word_set("€ $ £ euro dolar dollar peso pound libra usd eur dolare")
_MEASURES = word_set("kg g mg km m cm mm l ml h min kilo metro litro euro dolar peso meter liter")
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
        self._tokens = tokens
        self._reader = reader
        self._words = [token.folded if token.kind in ("word", "mark") else "" for token in tokens]
        self._known: dict[tuple[str, int], list[Reading]] = {}
        self._units: dict[int, str] = {}
        self._depth = 0
        # Trees whose last operand an operator behind them could belong to: "the sum of 3 and 4 times 2".
        self._loose: dict[int, Any] = {}
        # Those that could reach over more than one number: "the double of 3 and 4".
        self._reaching: dict[int, Any] = {}

    def readings(self, start: int, end: int, continued: bool) -> list[Any]:
        """Returns the trees that all tokens from `start` to `end` can mean. `continued`: a result came before, so that
        an operation may leave its first operand out."""
        self._end, self._continued = end, continued
        self._known.clear()
        self._depth = 0
        self._loose.clear()
        self._reaching.clear()
        self._units.clear()
        found = [tree for tree, after in self._step(start) if after == end and not _is_bare(tree)]
        return _distinct(tree for tree in found if self._same_units(tree))

    def furthest(self) -> int:
        """Returns the place behind the last word that had a reading; 0 if none had."""
        return max((after for found in self._known.values() for _, after in found), default=0)

    def operands(self, start: int, end: int) -> list[Any]:
        """Returns the trees of an operation that stands in place of a text: "el resultado de sumar 3 y 4"."""
        self._end, self._continued = end, False
        self._known.clear()
        self._depth = 0
        self._loose.clear()
        self._reaching.clear()
        self._units.clear()
        return _distinct(tree for tree, after in self._operand(start) if after == end and isinstance(tree, Operation))

    def spoken(self, start: int, end: int, continued: bool) -> list[Any]:
        """Returns the trees of an operation named by its infinitive or gerund: "sumar 4 y 6", "adding 4 and 6"."""
        self._end, self._continued = end, continued
        self._known.clear()
        self._depth = 0
        self._loose.clear()
        self._reaching.clear()
        self._units.clear()
        verb = self._verb(start, "add", "multiply", "subtract", "divide", "double", "triple", "halve")
        if verb is None or not verb[2] & {"inf", "ing", "wish", "you"}:
            return []
        return _distinct(tree for tree, after in self._commanded(verb[0], verb[1], start + 1) if after == end)

    def reference(self, start: int, end: int) -> list[Reading]:
        """Returns what was said before, if it is spoken of at `start`, with the place behind it."""
        self._end = end
        return list(self._reference(start))

    def _same_units(self, tree: Any) -> bool:
        """Whether all numbers are of one unit; where it is no money, each of them has to say so."""
        named = set(self._units.values())
        return not named or (len(named) == 1 and (named <= _MONEY or len(self._units) >= len(list(_numbers(tree)))))

    # --- words ---

    def _word(self, place: int) -> str:
        return self._words[place] if place < self._end else ""

    def _skip(self, place: int, words: Iterable[str]) -> int:
        return place + 1 if place < self._end and self._word(place) in words else place

    def _noun(self, place: int, *concepts: str) -> bool:
        return (
            place < self._end
            and self._tokens[place].kind == "word"
            and not nouns(self._word(place)).isdisjoint(concepts)
        )

    def _verb(self, place: int, *concepts: str) -> tuple[str, str, frozenset[str]] | None:
        """Returns concept, hanging pronoun and moods of the verb at `place`, if it is one of these."""
        if place >= self._end or self._tokens[place].kind != "word":
            return None
        for verb in verbs(self._words[place], self._tokens[place].ending()):
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

    # --- a step ---

    def _step(self, place: int) -> Iterable[Reading]:
        for tree, after in self._spoken(place):
            yield tree, after
            yield from ((tree, end) for end in self._tails(after))

    def _tails(self, place: int) -> Iterable[int]:
        for words in _TAIL:
            if tuple(self._words[place : place + len(words)]) == words and place + len(words) == self._end:
                yield self._end

    def _spoken(self, place: int) -> Iterable[Reading]:
        yield from self._order(place)
        yield from self._expression(place)
        for words in _QUESTION:
            if tuple(self._words[place : place + len(words)]) == words:
                after = place + len(words)
                yield from self._expression(after)
                yield from self._bare_verb(after)
        verb = self._verb(place, "calculate", "put", "get", "tell", "show")
        if verb is not None:
            after = self._skip(place + 1, (":",))
            yield from self._expression(after)
            yield from self._bare_verb(after)
        if self._word(place) in ("haz", "do", "realiza", "efectua", "hagas", "hacer", "halla", "hallar", "halles"):
            yield from self._expression(place + 1)
        if self._continued:
            yield from self._leading_sign(place)
        yield from self._joined_behind(place)

    def _bare_verb(self, place: int) -> Iterable[Reading]:
        """An infinitive or a present behind a question: "cuánto es sumar 3 y 4", "cuánto suman 3 y 4"."""
        if self._word(place) in ("suman", "sumarian"):
            yield from self._listed("add", place + 1)
        verb = self._verb(place, "add", "multiply", "subtract", "divide")
        if verb is not None and "inf" in verb[2]:
            yield from self._order(place)

    def _joined_behind(self, place: int) -> Iterable[Reading]:
        """ "¿3 y 4 cuánto suman?", "what do 3 and 4 add up to?"."""
        start = place + 2 if (self._word(place), self._word(place + 1)) == ("what", "do") else place
        for items, after in self._items(start):
            words = [word for word in self._words[after : self._end] if word not in ",¿?"]
            if len(items) > 1 and words in (["cuanto", "suman"], ["suman", "cuanto"], ["add", "up", "to"]):
                yield Operation("add", tuple(items)), self._end

    def _leading_sign(self, place: int) -> Iterable[Reading]:
        """An operator on the result before: "por 2", "times 2", "plus 4"."""
        for concept, after in self._operators(place):
            yield from ((Operation(concept, (Previous(named=False), right)), end) for right, end in self._tight(after))

    # --- orders ---

    def _order(self, place: int) -> Iterable[Reading]:
        place, hung = self._before_verb(place)
        result = self._result_first(place)
        if result:
            place, hung = result, "lo"
        for concept in ("add", "put_in", "subtract", "multiply", "divide", "power", "double", "triple", "halve"):
            verb = self._verb(place, concept)
            if verb is not None and verb[2] & _ORDERS:
                yield from self._commanded(concept, verb[1] or hung, place + 1)

    def _before_verb(self, place: int) -> tuple[int, str]:
        if self._word(place) in ("le", "lo", "los", "la", "las", "me", "les"):
            return place + 1, self._word(place)
        return place, ""

    def _result_first(self, place: int) -> int:
        """ "Al resultado súmale 3": returns the place of the verb, or 0."""
        if self._word(place) in ("al", "a", "to") and self._continued:
            for tree, after in self._reference(place + 1):
                if isinstance(tree, Previous) and self._verb(after, "add", "subtract", "multiply", "divide"):
                    return after
        return 0

    def _commanded(self, concept: str, clitic: str, place: int) -> Iterable[Reading]:
        many = clitic in ("los", "las", "les")
        hung = Previous(many=many) if clitic not in ("", "me", "nos") else None
        place = self._skip(place, ("up", "together", "please"))
        if concept in ("double", "triple", "halve"):
            yield from self._scaled(concept, hung, place)
            return
        concept = "add" if concept == "put_in" else concept
        if hung is None:
            yield from self._listed(concept, self._skip(place, (":", "together")))
            yield from self._listed(concept, self._label(place))
            yield from self._paired(concept, place)
            if concept == "multiply" and self._word(place) in ("por", "by"):  # "multiplica por 2 la suma de 3 y 4"
                for factor, after in self._operand(place + 1):
                    yield from ((Operation(concept, (factor, tree)), end) for tree, end in self._operand(after))
            for tree, after in self._reference(place):
                if tree == Previous(many=True) and concept in ("add", "multiply"):
                    yield Operation(concept, (tree,)), after
        elif many:
            if concept in ("add", "multiply"):
                yield Operation(concept, (hung,)), place
        else:
            yield from self._onto(concept, hung, place)
        if hung is None and self._continued:
            yield from self._onto(concept, Previous(named=False), place)

    def _label(self, place: int) -> int:
        """ "los números", "these numbers:", "the following:"."""
        after = place
        while self._word(after) in (
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
        if self._noun(after, "number"):
            after = self._skip(after + 1, ("siguientes", "following"))
            return self._skip(after, (":",))
        return self._skip(after, (":",)) if after > place and self._word(after) == ":" else self._end

    def _scaled(self, concept: str, hung: Any, place: int) -> Iterable[Reading]:
        if hung is not None:
            yield _factor(concept, hung), place
        else:
            yield from ((_factor(concept, tree), after) for tree, after in self._operand(place))

    def _onto(self, concept: str, previous: Previous, place: int) -> Iterable[Reading]:
        """One operand given, the other said before: "súmale 3", "multiplícalo por 2", "divide it by 3"."""
        starts = {"add": ("",), "subtract": ("",), "multiply": ("por", "by"), "divide": ("entre", "por", "by"),
                  "power": ("a", "al", "to")}[concept]  # fmt: skip
        for start in starts:
            after = place + bool(start) if not start or self._word(place) == start else -1
            if after < 0:
                continue
            for tree, end in self._operand(after):
                yield Operation(concept, (previous, tree)), end
                for target, last in self._target(end):
                    yield _put_onto(concept, tree, target), last

    def _target(self, place: int) -> Iterable[Reading]:
        if self._word(place) in ("a", "al", "to"):
            yield from self._operand(place + 1)

    def _paired(self, concept: str, place: int) -> Iterable[Reading]:
        """An order with two operands: "multiplica A por B", "resta A de B", "add A to B"."""
        for left, after in self._operand(place):
            word = self._word(after)
            if concept == "multiply" and word in _BY:
                yield from self._chain(concept, [left], after)
                yield from self._share(left, after + 1)
            elif concept == "divide" and word in ("entre", "por", "by", "/"):
                yield from ((Operation("divide", (left, right)), end) for right, end in self._operand(after + 1))
            elif concept == "power" and word in ("a", "to"):
                yield from self._raised(left, after + 1)
            elif concept == "power" and word == "al":
                yield from self._powered(left, after)
            elif concept == "add" and word in ("a", "al", "to", "con", "with"):
                yield from ((Operation("add", (left, right)), end) for right, end in self._operand(after + 1))
            elif concept == "subtract" and word in ("a", "al", "de", "del", "from"):
                yield from ((Operation("subtract", (right, left)), end) for right, end in self._operand(after + 1))
            elif concept == "subtract" and word in ("menos", "minus", "-"):
                yield from ((Operation("subtract", (left, right)), end) for right, end in self._operand(after + 1))

    def _raised(self, left: Any, place: int) -> Iterable[Reading]:
        after = place
        for word in ("the", "power", "of", "la", "potencia", "de"):
            after = self._skip(after, (word,))
        yield from ((Operation("power", (left, right)), end) for right, end in self._operand(after))

    def _powered(self, left: Any, place: int) -> Iterable[Reading]:
        """ "al cuadrado", "al cubo", "squared", "cubed"."""
        after = self._skip(place, ("al",))
        exponent = {"cuadrado": 2, "cubo": 3, "squared": 2, "cubed": 3}.get(self._word(after))
        if exponent is not None and (after > place) == (self._word(after) in ("cuadrado", "cubo")):
            yield Operation("times_itself", (left, Decimal(exponent))), after + 1

    def _share(self, left: Any, place: int) -> Iterable[Reading]:
        """ "multiplica 200 por 15 %"."""
        number = self._reader.read(place) if place < self._end else None
        if number is not None and self._word(number.after) in ("%", "percent"):
            yield Operation("multiply", (left, number.value / 100)), number.after + 1

    def _chain(self, concept: str, items: list[Any], place: int) -> Iterable[Reading]:
        if self._word(place) in _BY:
            for tree, after in self._operand(place + 1):
                yield Operation(concept, (*items, tree)), after
                yield from self._chain(concept, [*items, tree], after)

    def _listed(self, concept: str, place: int) -> Iterable[Reading]:
        if concept in ("add", "multiply"):
            for items, after in self._items(place):
                if len(items) > 1:
                    yield Operation(concept, tuple(items)), after
        if concept == "add":
            for items, after in self._items(place, frozenset(("mas", "plus", "+"))):
                if len(items) > 1:
                    yield Operation(concept, tuple(items)), after

    def _items(self, place: int, between: frozenset[str] | None = None) -> Iterable[tuple[list[Any], int]]:
        """Operands with commas and "and" between them, or side by side: "3, 4 y 5", "3 4 5"."""
        found: list[tuple[list[Any], int]] = [([tree], after) for tree, after in self._operand(place)]
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
                    for tree, end in self._operand(following)
                    if not (reaches and isinstance(tree, Decimal))
                ]
        if between is None:
            yield from self._side_by_side(place)

    def _separated(self, place: int, between: frozenset[str] | None) -> int:
        if between is not None:
            return place + 1 if self._word(place) in between else place
        after = self._skip(place, (",", ";"))
        return self._skip(after, _AND)

    def _side_by_side(self, place: int) -> Iterable[tuple[list[Any], int]]:
        """Bare numbers with nothing but blanks between them, where no group of three could be meant: "3 4 5"."""
        items: list[Any] = []
        while place < self._end and self._tokens[place].kind == "number":
            number = self._reader.read(place)
            if number is None or number.after != place + 1:
                return
            if items and (self._tokens[place].glued or len(self._tokens[place].text) == 3):
                return
            items.append(number.value)
            place += 1
        if len(items) > 1:
            yield items, place

    # --- expressions ---

    def _expression(self, place: int) -> list[Reading]:
        return self._memo("expression", place, lambda start: self._infix(start, 1))

    def _infix(self, place: int, rank: int) -> Iterable[Reading]:
        """Operands with operators between them; those of the same rank are joined from the left."""
        firsts = (
            self._operand(place)
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
            for concept, start in self._operators(after) if id(tree) not in self._loose else ():
                if _RANK[concept] == rank:
                    rights = self._memo(f"rank{rank + 1}", start, lambda p: self._infix(p, rank + 1))
                    grown += [(_join(concept, tree, right), end) for right, end in rights]

    def _operators(self, place: int) -> Iterable[tuple[str, int]]:
        word = self._word(place)
        if word == "*" and self._word(place + 1) == "*":
            yield "power", place + 2
        elif word in _SIGNS and place < self._end and self._tokens[place].kind == "mark":
            yield _SIGNS[word], place + 1
        for length in (1, 2, 3, 4):
            concept = _INFIX.get(tuple(self._words[place : min(place + length, self._end)]))
            if (
                concept is not None
                and place + length <= self._end
                and len(self._words[place : place + length]) == length
            ):
                yield concept, place + length

    def _tight(self, place: int) -> Iterable[Reading]:
        return self._operand(place)

    # --- operands ---

    def _operand(self, place: int) -> list[Reading]:
        return self._memo("operand", place, self._operand_once)

    def _operand_once(self, place: int) -> Iterable[Reading]:
        if place >= self._end:
            return
        found = list(self._atom(place))
        for tree, after in found:
            yield tree, after
            yield from self._powered(tree, after)
            yield from self._glued(tree, after)

    def _glued(self, tree: Any, place: int) -> Iterable[Reading]:
        """Signs without blanks around them bind within a list: "suma 2*3 y 4"."""
        token = self._tokens[place] if place < self._end else None
        if token is None or token.kind != "mark" or not token.glued or token.folded not in ("*", "/", "^"):
            return
        if place + 1 < self._end and self._tokens[place + 1].glued:
            for right, after in self._atom(place + 1):
                yield Operation(_SIGNS[token.folded], (tree, right)), after

    def _atom(self, place: int) -> Iterable[Reading]:
        if self._word(place) == "(":
            for tree, after in self._expression(place + 1):
                if self._word(after) == ")":
                    yield Operation(tree.concept, tree.operands) if isinstance(tree, Operation) else tree, after + 1
        for tree, after in (*self._amount(place), *self._named_operation(self._skip(place, _ARTICLES))):
            if isinstance(tree, Operation):
                self._loose[id(tree)] = tree
                if not self._noun(self._skip(place, _ARTICLES), "sum", "product", "difference", "quotient"):
                    self._reaching[id(tree)] = tree
            yield tree, after
        yield from self._reference(place)

    def _amount(self, place: int) -> Iterable[Reading]:
        """A number with its sign, its percent or its unit; a factor: "el doble de 8", "half of 10"."""
        start, sign = self._sign(place)
        start = self._skip(start, ("$", "€", "£")) if sign or start == place else start
        if self._word(place) in ("el", "the") and self._noun(place + 1, "number") and sign == 1:
            start = place + 2
        if self._word(place) in ("el", "un", "the", "los") and self._is_percent_ahead(place + 1):
            start = place + 1
        number = self._reader.read(start) if start < self._end else None
        if number is None or number.after > self._end:
            return
        value, after = sign * number.value, number.after
        if self._word(after) in ("%", "percent"):
            yield from self._percent(value, after + 1)
            return
        yield value, after
        unit = self._unit(after, self._words[start] if start > place and self._words[start - 1] in "$€£" else "")
        if unit:
            yield value, unit

    def _is_percent_ahead(self, place: int) -> bool:
        return any(self._word(ahead) in ("%", "percent") for ahead in range(place, min(place + 6, self._end)))

    def _sign(self, place: int) -> tuple[int, int]:
        word = self._word(place)
        if word in ("menos", "minus", "negative"):
            return place + 1, -1
        if word in ("-", "+") and place + 1 < self._end and self._tokens[place + 1].glued:
            return place + 1, -1 if word == "-" else 1
        return place, 1

    def _unit(self, place: int, _: str) -> int:
        """The place behind a unit: a sign of money or one word that means nothing else; 0 if there is none."""
        if place >= self._end:
            return 0
        token = self._tokens[place]
        if token.kind == "mark" and token.text in "€$£":
            self._units[place] = token.text
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
            or self._reader.starts_number(place)
            or nouns(word) & {"result", "sum", "product", "number", "upper"}
        ):
            return 0
        self._units[place] = word[:-1] if word.endswith("s") else word
        return place + 1

    def _percent(self, value: Decimal, place: int) -> Iterable[Reading]:
        if self._word(place) in ("de", "of", "del"):
            for tree, after in self._operand(place + 1):
                yield Operation("multiply", (value / 100, tree)), after

    def _named_operation(self, place: int) -> Iterable[Reading]:
        """ "la suma de 3 y 4", "the product of 3 and 4", "el doble de 8", "el resultado de sumar 3 y 4"."""
        of = ("de", "of", "del")
        word, following = self._word(place), self._word(place + 1)
        if word in _FACTORS:
            after = self._skip(place + 1, of)
            yield from (
                (Operation("multiply", (tree, Decimal(_FACTORS[word]))), end) for tree, end in self._operand(after)
            )
        if word in ("mitad", "half") and following in (*of, "the"):
            yield from ((_factor("halve", tree), end) for tree, end in self._operand(place + 2))
        if word in ("cuadrado", "square", "cubo", "cube") and following in of:
            exponent = Decimal(2 if word in ("cuadrado", "square") else 3)
            yield from ((Operation("times_itself", (tree, exponent)), end) for tree, end in self._operand(place + 2))
        if following in of and self._noun(place, "sum"):
            yield from self._listed("add", self._skip(place + 2, ("los", "the")))
            yield from self._listed("add", self._label(place + 2))
        if word == "total" and following in of:
            yield from self._listed("add", place + 2)
        if following in (*of, "entre", "between") and self._noun(place, "product"):
            yield from self._listed("multiply", self._label(place + 2))
            yield from self._listed("multiply", place + 2)
            yield from self._paired("multiply", place + 2)
        if following in (*of, "entre", "between") and self._noun(place, "difference", "quotient"):
            concept = "subtract" if self._noun(place, "difference") else "divide"
            joins = {*_AND, "menos", "minus"} if concept == "subtract" else {*_AND, "entre", "by", "por"}
            for left, after in self._operand(place + 2):
                if self._word(after) in joins:
                    yield from ((Operation(concept, (left, right)), end) for right, end in self._operand(after + 1))
        if word in _RESULT_WORDS and following in of:
            verb = self._verb(place + 2, "add", "multiply", "subtract", "divide", "power")
            if verb is not None and verb[2] & {"inf", "ing"}:
                yield from self._commanded(verb[0], "", place + 2 + 1)
            yield from ((tree, end) for tree, end in self._expression(place + 2) if isinstance(tree, Operation))

    def _reference(self, place: int) -> Iterable[Reading]:
        """What was said before: "el resultado", "it", "the previous result", "both results"."""
        start = place
        while self._word(place) in (
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
        word = self._word(place)
        if word in _RESULT_WORDS:
            after = place + 1
            while self._word(after) in ("anterior", "previo", "previous", "de", "antes") and after - place < 3:
                after += 1
            yield Previous(), after
        elif word in ("resultados", "results"):
            yield Previous(many=True), self._skip(place + 1, ("anteriores",))
        elif (word == "anterior" and place > start) or (place == start and word in _POINTING):
            yield Previous(), place + 1
        elif place > start and self._word(place - 1) in ("that", "this"):
            yield Previous(), place
        elif word in _PLURAL:
            yield Previous(many=True), place + 1


def _factor(concept: str, tree: Any) -> Operation:
    if concept == "halve":
        return Operation("halve", (tree,))
    return Operation("multiply", (tree, Decimal(2 if concept == "double" else 3)))


def _put_onto(concept: str, amount: Any, target: Any) -> Operation:
    """ "súmale 3 a 8" adds in the order in which it is said; "réstale 3 a 8" is 8 - 3."""
    return Operation(concept, (amount, target) if concept == "add" else (target, amount))


def _join(concept: str, left: Any, right: Any) -> Operation:
    """Longer sums and products are one operation: 1 + 2 + 3."""
    if isinstance(left, Operation) and left.concept == concept and concept in ("add", "multiply"):
        return Operation(concept, (*left.operands, right))
    return Operation(concept, (left, right))


def _numbers(tree: Any) -> Iterable[Decimal]:
    if isinstance(tree, Operation):
        for item in tree.operands:
            yield from _numbers(item)
    elif isinstance(tree, Decimal):
        yield tree


def _is_bare(tree: Any) -> bool:
    return not isinstance(tree, Operation)


def _distinct(trees: Iterable[Any]) -> list[Any]:
    """Returns one tree of each value: readings that come to the same are one."""
    found: dict[Any, Any] = {}
    for tree in trees:
        found.setdefault(value_of(tree), tree)
    return list(found.values())


def value_of(tree: Any) -> Any:
    """Returns a tree's value as a fraction, or, where it is not known, something equal only for equal trees."""
    if isinstance(tree, Decimal):
        return Fraction(tree) if abs(tree.adjusted()) < 60 else tree
    if not isinstance(tree, Operation):
        return tree
    values = [value_of(item) for item in tree.operands]
    if not all(isinstance(value, Fraction) for value in values) or tree.concept in ("power", "times_itself"):
        return tree.concept, tuple(sorted(values, key=repr)) if tree.concept in ("add", "multiply") else tuple(values)
    if tree.concept == "add":
        return sum(values, Fraction(0))
    if tree.concept == "halve":
        return values[0] / 2
    result = values[0]
    for value in values[1:]:
        if tree.concept == "subtract":
            result -= value
        elif tree.concept == "multiply":
            result *= value
        else:
            result = result / value if value else Fraction(0)
    return result
