"""Arithmetic in words and signs: "25 * 8", "suma 1, 2 y 3", "subtract 3 from 10", "(2 + 3) por 4".

The items of a step are parsed by precedence into a tree whose leaves are numbers or references to earlier results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .calls import MOST_CALLS, Operation
from .items import Item, Leaf, Unclear, is_range, reduce
from .lexer import Token

_PRECEDENCE = {"add": 1, "subtract": 1, "multiply": 2, "divide": 2, "modulo": 2, "power": 3}
_REVERSING = frozenset(("de", "del", "from", "a", "al"))
_DEEPEST = 24


class TooMany(Exception):
    """The step has more operations than a plan may have calls."""


def parse(tokens: Sequence[Token], before: Leaf | None, several: Sequence[Leaf], implied: bool) -> Operation | None:
    """The arithmetic that a step asks for, or None when it asks for none.

    `before` is the previous result, which stands in for "it" and, when `implied`, for an operand that is not
    said; `several` are the results that "them" stands for. Raises `Unclear` when numbers are left over,
    `TooMany` when there are more operations than `calls.MOST_CALLS`.
    """
    items = reduce(tokens, before, several)
    if is_range(items):
        raise Unclear
    asked = sum(item.kind in ("verb", "sign") for item in items)
    if not asked:
        return None
    if asked > MOST_CALLS:
        raise TooMany
    return _Parser(items, before if implied else None, several).parse()


class _Parser:
    def __init__(self, items: list[Item], implied: Leaf | None, several: Sequence[Leaf]) -> None:
        self._items = items
        self._place = 0
        self._implied = implied
        self._several = several
        self._depth = 0
        self._open: list[str] = []  # the verbs whose operands are being read, outermost first

    def parse(self) -> Operation | None:
        self._skip_separators()
        first = self._peek()
        if first == "verb":
            tree = self._climb(self._verb(top=True), 0, "")
        elif first == "sign":
            tree = self._leading_sign()
        else:
            tree = self._operands_first()
        if any(item.kind == "leaf" for item in self._items[self._place :]):
            raise Unclear
        return tree if isinstance(tree, Operation) else None

    def _peek(self, ahead: int = 0) -> str:
        place = self._place + ahead
        return self._items[place].kind if place < len(self._items) else ""

    def _skip_separators(self) -> list[str]:
        skipped: list[str] = []
        while self._peek() == "separator":
            skipped.append(self._items[self._place].value)
            self._place += 1
        return skipped

    def _verb(self, top: bool = False) -> Any:
        """An operation by name and its operands: "suma 4 y 6", "the product of 3 and 4"."""
        concept = self._items[self._place].value
        self._place += 1
        operands, words = self._list(concept)
        if top and len(operands) < 2:
            operands = self._complete(operands, concept)
        if concept == "subtract" and len(operands) == 2 and words & _REVERSING:
            operands.reverse()
        if len(operands) == 1 and isinstance(operands[0], Operation):
            return operands[0]
        if len(operands) < 2:
            raise Unclear
        return Operation(concept, operands)

    def _complete(self, operands: list[Any], concept: str) -> list[Any]:
        """Add the operand that a first step leaves out: the earlier result, or the other half of "treinta y cinco"."""
        if operands and isinstance(operands[0], Operation) and operands[0].concept == concept:
            return operands
        if not operands and len(self._several) > 1:
            return list(self._several)
        if self._implied is not None and operands != [self._implied]:
            return [self._implied, *operands]
        numbers = [item.number for item in self._items if item.number is not None]
        if len(operands) == 1 and len(numbers) == 1 and numbers[0].split:
            return list(numbers[0].split)
        return operands

    def _list(self, concept: str) -> tuple[list[Any], set[str]]:
        """Operands up to the end, or to where those of the enclosing verb go on; and the words between them."""
        self._skip_separators()
        if self._peek() == "sign":
            self._place += 1  # "divide entre 2", "multiplícalo por 3"
            self._skip_separators()
        operands: list[Any] = []
        between: set[str] = set()
        self._open.append(concept)
        while self._peek() in ("leaf", "open", "verb"):
            operands.append(self._expression(_PRECEDENCE[concept] - 1, concept))
            if self._belongs_outside():
                break
            words = self._skip_separators()
            if self._peek() == "sign" and self._is_separator(concept):
                self._place += 1
                words += self._skip_separators()
            if self._peek() in ("leaf", "open", "verb"):
                between.update(words)
        self._open.pop()
        return operands, between

    def _belongs_outside(self) -> bool:
        """Whether what comes next separates the enclosing verb's operands: "multiply the sum of 2 and 3 by 4"."""
        if len(self._open) < 2:
            return False
        outer, kind = self._open[-2], self._peek()
        if kind == "sign":
            return self._is_separator(outer)
        if kind != "separator":
            return False
        word = self._items[self._place].value
        return word == "by" or (outer == "subtract" and word in _REVERSING)

    def _is_separator(self, concept: str) -> bool:
        """Whether an operator word only separates: "divide 10 por 2" divides."""
        sign = self._items[self._place].value
        return (concept == "divide" and sign in ("multiply", "divide")) or concept == sign

    def _expression(self, least: int, verb: str = "") -> Any:
        """Precedence climbing; operations of one precedence group to the left."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unclear
        left = self._climb(self._operand(), least, verb)
        self._depth -= 1
        return left

    def _climb(self, left: Any, least: int, verb: str) -> Any:
        while not self._belongs_outside():
            if self._peek() == "verb" and self._peek(1) in ("leaf", "open", "separator", "sign"):
                step = 1  # "10 dividido entre 2"
            elif self._peek() == "sign" and not (verb and self._is_separator(verb)):
                step = 0
            else:
                break
            concept = self._items[self._place].value
            if _PRECEDENCE[concept] <= least or not self._operand_follows(1):
                break
            self._place += 1
            if step:
                self._skip_separators()
                if self._peek() == "sign":
                    self._place += 1
            self._skip_separators()
            right = self._expression(_PRECEDENCE[concept] - (concept == "power"), verb)
            left = Operation(concept, [left, right])
        return left

    def _operand_follows(self, ahead: int) -> bool:
        while self._peek(ahead) in ("separator", "sign"):
            ahead += 1
        return self._peek(ahead) in ("leaf", "open")

    def _operand(self) -> Any:
        kind = self._peek()
        if kind == "leaf":
            self._place += 1
            return self._items[self._place - 1].value
        if kind == "open":
            self._place += 1
            inside = self._expression(0) if self._peek() != "verb" else self._verb()
            if self._peek() == "close":
                self._place += 1
            return inside
        if kind == "verb":
            return self._verb()
        negative = kind == "sign" and self._items[self._place].value == "subtract"
        if negative and self._peek(1) in ("leaf", "open"):
            self._place += 1
            inside = self._operand()
            if isinstance(inside, (int, float)):
                return -inside
        raise Unclear

    def _leading_sign(self) -> Any:
        """ "times 2", "más 5": on the earlier result; with none, a sign of the first number."""
        numbers = sum(item.kind == "leaf" for item in self._items)
        if self._implied is None or numbers > 1:
            return self._expression(0)
        concept = self._items[self._place].value
        self._place += 1
        self._skip_separators()
        return Operation(concept, [self._implied, self._expression(0)])

    def _operands_first(self) -> Any:
        """ "3 + 4 * 2", or operands and then what to do with them: "3, 4 y 5: súmalos"."""
        operands = [self._expression(0)]
        while self._skip_separators() and self._peek() in ("leaf", "open"):
            operands.append(self._expression(0))
        if self._peek() == "verb" and self._place == len(self._items) - 1:
            concept = self._items[self._place].value
            self._place += 1
            return Operation(concept, operands) if len(operands) > 1 else self._with_implied(concept, operands)
        if len(operands) > 1:
            raise Unclear
        return operands[0]

    def _with_implied(self, concept: str, operands: list[Any]) -> Operation:
        if self._implied is None or operands == [self._implied]:
            raise Unclear
        return Operation(concept, [self._implied, *operands])
