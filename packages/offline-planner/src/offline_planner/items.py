"""Reducing a step to its arithmetic: numbers, references, operations by sign or by name, and separators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .calls import Earlier
from .concepts import OPERATIONS
from .lexer import Token
from .numbers import Number

Leaf = int | float | Earlier
_SIGNS = {
    "+": "add", "-": "subtract", "−": "subtract", "–": "subtract", "*": "multiply", "×": "multiply", "·": "multiply",
    "/": "divide", "÷": "divide", "^": "power", "**": "power", "%": "modulo",
}  # fmt: skip
_SEPARATORS = frozenset(
    ("y", "and", "e", "con", "with", "a", "al", "to", "de", "del", "from", "of", "by", ",", "la", "&", "desde", "hasta")
)
_POWERS = {"cuadrado": 2, "cubo": 3}  # "eleva 3 al cuadrado"
_RANGES = frozenset((("del", "al"), ("desde", "hasta"), ("from", "to"), ("de", "a")))


class Item(msgspec.Struct, gc=False):
    """`kind` is leaf, sign (an infix operation), verb (an operation by name), separator, open or close."""

    kind: str
    value: Any = None
    number: Number | None = None


class Unclear(Exception):
    """The numbers and operations of a step do not fit together."""


def has_pair(tokens: Sequence[Token]) -> bool:
    """Whether the tokens hold an infix operation between two numbers, such as "3 por 4"."""
    for place in range(1, len(tokens) - 1):
        if _sign_of(tokens[place]) and tokens[place - 1].number is not None and tokens[place + 1].number is not None:
            return True
    return False


def has_sign(tokens: Sequence[Token]) -> bool:
    """Whether any of the tokens is an operation's sign or operator word."""
    return any(_sign_of(token) for token in tokens)


def operations_in(tokens: Sequence[Token]) -> set[str]:
    """The operations that stand as signs or operator words next to a number."""
    found: set[str] = set()
    for place, token in enumerate(tokens):
        sign = _sign_of(token)
        if sign and place + 1 < len(tokens) and (tokens[place + 1].number is not None or tokens[place + 1].text == "("):
            found.add(sign)
    return found


def is_range(items: Sequence[Item]) -> bool:
    """Whether a range is meant, "los números del 1 al 10", which is not its two ends."""
    for first, low, second, high in zip(items, items[1:], items[2:], items[3:], strict=False):
        if (first.value, second.value) in _RANGES and low.kind == high.kind == "leaf":
            return True
    return False


def _sign_of(token: Token) -> str:
    return _SIGNS.get(token.text, "") if token.kind == "operator" else token.entry.operation


def reduce(tokens: Sequence[Token], before: Leaf | None, several: Sequence[Leaf]) -> list[Item]:
    items: list[Item] = []
    for place, token in enumerate(tokens):
        if token.number is not None:
            items.append(Item("leaf", token.number.amount(), token.number))
        elif token.text in ("(", ")"):
            items.append(Item("open" if token.text == "(" else "close"))
        elif token.folded in _POWERS and items and items[-1].value == "al":
            items.append(Item("leaf", _POWERS[token.folded]))
        elif token.kind == "tail":
            raise Unclear  # numbers may be in there
        elif token.folded in _SEPARATORS:
            items.append(Item("separator", token.folded))
        elif token.entry.part == "reference" and not introduces(tokens, place):
            if token.entry.many and len(several) > 1:
                items.extend(Item("leaf", leaf) for leaf in several)
            elif before is not None and not (items and items[-1].value is before):
                items.append(Item("leaf", before))
        else:
            sign = _sign_of(token)
            named = OPERATIONS.intersection(token.entry.concepts)
            if sign:
                items.append(Item("sign", sign))
            elif named and token.kind == "word":
                items.append(Item("verb", min(named)))
    return items


def introduces(tokens: Sequence[Token], place: int) -> bool:
    """Whether a reference only introduces what follows: "el resultado de sumar", "the result of 3 + 4"."""
    following = tokens[place + 1 : place + 4]
    if not following or following[0].folded not in ("de", "of"):
        return False
    return any(token.number is not None or token.text == "(" or token.entry.part == "action" for token in following[1:])
