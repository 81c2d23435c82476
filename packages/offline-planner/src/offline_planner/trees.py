"""Trees of arithmetic: making them, and telling whether two readings come to the same."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .plan import Operation


def factor(concept: str, tree: Any) -> Operation:
    if concept == "halve":
        return Operation("halve", (tree,))
    return Operation("multiply", (tree, Decimal(2 if concept == "double" else 3)))


def put_onto(concept: str, amount: Any, target: Any) -> Operation:
    """ "súmale 3 a 8" adds in the order in which it is said; "réstale 3 a 8" is 8 - 3."""
    return Operation(concept, (amount, target) if concept == "add" else (target, amount))


def join(concept: str, left: Any, right: Any) -> Operation:
    """Longer sums and products are one operation: 1 + 2 + 3."""
    if isinstance(left, Operation) and left.concept == concept and concept in ("add", "multiply"):
        return Operation(concept, (*left.operands, right))
    return Operation(concept, (left, right))


def numbers(tree: Any) -> Iterable[Decimal]:
    if isinstance(tree, Operation):
        for item in tree.operands:
            yield from numbers(item)
    elif isinstance(tree, Decimal):
        yield tree


def is_bare(tree: Any) -> bool:
    return not isinstance(tree, Operation)


def distinct(trees: Iterable[Any]) -> list[Any]:
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
