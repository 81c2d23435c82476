"""The plan: which calls, in which order, and what became of each step of the question."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .cards import Card

# More calls than this for one question is a mistake or an attack; agents stop earlier still.
MOST_CALLS = 24


class Earlier(msgspec.Struct, frozen=True, gc=False):
    """The result of call `index` of this plan, or, when it is -1, the last one of the conversation before."""

    index: int


class Operation(msgspec.Struct, gc=False):
    """An operation of arithmetic on operands in order, each a number, an `Earlier` or another operation."""

    concept: str
    operands: list[Any]


class Call(msgspec.Struct, gc=False):
    """One call of a tool; a value of `arguments` may be `Earlier`, at the top level or in a list."""

    card: Card
    arguments: dict[str, Any]

    def needs(self) -> set[int]:
        """The calls whose results it takes."""
        values = list(self.arguments.values())
        flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
        return {item.index for item in flat if isinstance(item, Earlier)}


Trouble = Literal["no_tool", "missing", "too_many", "unclear"]


class Outcome(msgspec.Struct, gc=False):
    """What is planned for one step: `calls` in order, the last one giving its result; or `trouble` with the
    step's words, the best tool and the parameters that could not be filled.

    `sum` is the arithmetic that the step does, for the wording. `subject` is the text it works on; `countable`
    says that its result is a number about that text.
    """

    text: str
    calls: list[int] = []
    sum: Operation | None = None
    subject: Any = None
    countable: bool = False
    trouble: Trouble | None = None
    card: Card | None = None
    lacking: tuple[str, ...] = ()


class Plan(msgspec.Struct, gc=False):
    """The calls of all steps and, per step, its outcome."""

    calls: list[Call] = []
    outcomes: list[Outcome] = []

    def results(self) -> list[Earlier]:
        """The final result of each step that has one."""
        return [Earlier(outcome.calls[-1]) for outcome in self.outcomes if outcome.calls]
