"""The plan: which calls, in which order, and what becomes of each step of the request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from .cards import Card

MOST_CALLS = 24
"""More calls than this for one question is a mistake or an attack; agents stop earlier still."""


class Earlier(msgspec.Struct, frozen=True, gc=False):
    """The result of call `index` of this plan, or, when it is -1, the last one of the conversation before."""

    index: int


class Previous(msgspec.Struct, frozen=True, gc=False):
    """What "the result", "it" or "them" stands for, before it is known which call that is. `many`: all results;
    `text`: the text that was worked on, where there is one, rather than a result; `named`: it is spoken of."""

    many: bool = False
    text: bool = False
    named: bool = True


class Operation(msgspec.Struct, frozen=True, gc=False):
    """An operation of arithmetic on operands in order: numbers, earlier results or other operations."""

    concept: str
    operands: tuple[Any, ...]


def refers(value: Any) -> bool:
    """Whether a value is, or has in it, something said before that is spoken of."""
    if isinstance(value, Operation):
        return any(map(refers, value.operands))
    return isinstance(value, Previous) and value.named


class Call(msgspec.Struct, gc=False):
    """One call of a tool; a value of `arguments` may be `Earlier`, at the top level or in a list."""

    card: Card
    arguments: dict[str, Any]


class Outcome(msgspec.Struct, gc=False):
    """One step as it is planned: its words, the calls in order, the last one giving its result. `sum` is the
    arithmetic that it does, `subject` the text that it works on, `countable` that its result is a number about it."""

    text: str
    calls: list[int]
    sum: Operation | None = None
    subject: Any = None
    countable: bool = False


Trouble = Literal["unclear", "missing", "wrong", "negated", "told", "choose", "which_text", "number", "too_many",
                  "too_long", "no_tool", "no_result", "inexact"]  # fmt: skip


class Problem(msgspec.Struct, frozen=True, gc=False):
    """Why nothing is called. `part` is the part of the request that it is about, `cards` the tools that come into
    question, `names` the parameters or readings."""

    trouble: Trouble
    part: str = ""
    cards: tuple[Card, ...] = ()
    names: tuple[str, ...] = ()


class NotDone(Exception):
    """Ends the planning of a request: nothing of it is done."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.trouble)
        self.problem = problem


class Plan(msgspec.Struct, gc=False):
    """The calls of all steps and, per step, its outcome; or the problem, and no call. `notes` say how numbers were
    read that are written otherwise elsewhere: what is written, and its value."""

    calls: list[Call]
    outcomes: list[Outcome]
    problem: Problem | None = None
    notes: list[tuple[str, Decimal]] = []

    def results(self) -> list[Earlier]:
        """Returns the final result of each step that has one."""
        return [Earlier(outcome.calls[-1]) for outcome in self.outcomes if outcome.calls]
