"""The plan of an understood request: for each step the tool, its arguments, and what it takes from earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from .cards import Card
from .folding import fold
from .lexicon import nouns, verb_concepts
from .plan import MOST_CALLS, Call, Earlier, NotDone, Operation, Outcome, Plan, Previous, Problem
from .requests import Step, Understood
from .scan import Fit

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}


class Builder:
    """Builds the plan of one request. `has_history`: an earlier turn gave one result."""

    def __init__(self, cards: Sequence[Card], has_history: bool) -> None:
        self._cards = cards
        self._has_history = has_history
        self._plan = Plan([], [])

    def build(self, understood: Understood) -> Plan:
        """Returns the plan; when one step cannot be done, there is a problem and no call at all."""
        if understood.problem is not None:
            return Plan([], [], understood.problem)
        try:
            for step in understood.steps:
                self._plan.outcomes.append(self._outcome(step))
                if len(self._plan.calls) > MOST_CALLS:
                    raise NotDone(Problem("too_many", step.words))
        except NotDone as stop:
            return Plan([], [], stop.problem)
        self._plan.notes = understood.notes
        return self._plan

    def _outcome(self, step: Step) -> Outcome:
        first = len(self._plan.calls)
        if step.fit is not None:
            return self._use(step, step.fit, first)
        tree = self._resolved(step.tree, step.words)
        tree = self._doable(tree, step.words)
        self._emit(tree, step.words)
        return Outcome(step.words, list(range(first, len(self._plan.calls))), sum=tree)

    def _use(self, step: Step, fit: Fit, first: int) -> Outcome:
        for name, value in fit.arguments.items():
            if isinstance(value, Previous) and not value.named and not self._plan.outcomes:
                raise NotDone(Problem("missing", step.words, (fit.card,), (name,)))
        arguments = {name: self._argument(value, step.words) for name, value in fit.arguments.items()}
        subject = next((value for value in arguments.values() if isinstance(value, (str, Earlier))), None)
        self._add(fit.card, arguments)
        calls = list(range(first, len(self._plan.calls)))
        return Outcome(step.words, calls, subject=subject, countable=bool(fit.card.unit))

    def _argument(self, value: Any, words: str) -> Any:
        if isinstance(value, Previous):
            return self._previous(value, words)
        if isinstance(value, Operation):
            return self._emit(self._doable(self._resolved(value, words), words), words)
        self._check_number(value, words)
        return value

    # --- what was said before ---

    def _previous(self, said: Previous, words: str) -> Any:
        last = self._plan.outcomes[-1] if self._plan.outcomes else None
        if said.text and last is not None and last.countable and last.subject is not None:
            return last.subject
        if last is not None and last.calls:
            return Earlier(last.calls[-1])
        if last is None and self._has_history and (said.named or not said.text):
            return Earlier(-1)
        raise NotDone(Problem("no_result", words))

    def _resolved(self, tree: Any, words: str) -> Any:
        if isinstance(tree, Previous):
            return self._previous(tree, words)
        if not isinstance(tree, Operation):
            return tree
        operands: list[Any] = []
        for item in tree.operands:
            if isinstance(item, Previous) and item.many:
                results = self._plan.results()
                if len(results) < 2:
                    raise NotDone(Problem("no_result", words))
                operands += results
            else:
                operands.append(self._resolved(item, words))
        return Operation(tree.concept, tuple(operands))

    # --- arithmetic ---

    def _doable(self, tree: Any, words: str) -> Any:
        """Returns the tree with halves and powers as what the offered tools can do."""
        if not isinstance(tree, Operation):
            return tree
        operands = tuple(self._doable(item, words) for item in tree.operands)
        if tree.concept == "halve":
            if self._able("divide"):
                return Operation("divide", (*operands, Decimal(2)))
            return Operation("multiply", (*operands, Decimal("0.5")))
        if tree.concept == "times_itself":
            if self._able("power"):
                return Operation("power", operands)
            if isinstance(operands[0], Operation):
                raise NotDone(Problem("no_tool", words))
            return Operation("multiply", (operands[0],) * int(operands[1]))
        return Operation(tree.concept, operands)

    def _able(self, concept: str) -> list[Card]:
        return [card for card in self._cards if concept in card.operations]

    def _emit(self, tree: Operation, words: str) -> Earlier:
        """Adds the calls of a tree; the last one gives its result."""
        able = self._able(tree.concept)
        if not able:
            return self._express(tree, words)
        if len(able) > 1:
            able = [card for card in able if card.verbs & {tree.concept} and not card.server] or able
            able = [card for card in able if len(card.numeric()) > 1] or able
        if len(able) > 1:
            raise NotDone(Problem("choose", words, tuple(able), ("tool",)))
        card = able[0]
        values = [self._emit(item, words) if isinstance(item, Operation) else item for item in tree.operands]
        for value in values:
            self._check_number(value, words)
        slots = [item for item in card.numeric() if item.required] or list(card.numeric())
        listed = next((item for item in card.parameters if item.kind == "array"), None)
        if listed is not None and len(slots) < 2:
            return self._add(card, {**_option(card, tree.concept), listed.name: values})
        left = values[0]
        for right in values[1:]:
            left = self._add(card, {**_option(card, tree.concept), slots[0].name: left, slots[1].name: right})
            if len(self._plan.calls) > MOST_CALLS:
                break
        return left if isinstance(left, Earlier) else Earlier(len(self._plan.calls) - 1)

    def _express(self, tree: Operation, words: str) -> Earlier:
        """Gives the whole sum to a tool that evaluates an expression, if one is offered."""
        for card in self._cards:
            text = card.text()
            if "calculate" in card.verbs and text is not None and not _mentions_result(tree):
                return self._add(card, {text.name: infix(tree)})
        raise NotDone(Problem("no_tool", words))

    def _check_number(self, value: Any, words: str) -> None:
        """A fraction with more digits than a JSON reader's double keeps would be changed on its way."""
        if isinstance(value, Decimal) and value != value.to_integral_value() and Decimal(repr(float(value))) != value:
            raise NotDone(Problem("inexact", f"{value:f}"))

    def _add(self, card: Card, arguments: dict[str, Any]) -> Earlier:
        self._plan.calls.append(Call(card, arguments))
        return Earlier(len(self._plan.calls) - 1)


def infix(tree: Any, value_of: dict[int, str] | None = None) -> str:
    """Returns the sum in signs, with brackets where needed; `value_of` gives earlier results by their index."""
    if isinstance(tree, Earlier):
        return (value_of or {}).get(tree.index, "?")
    if not isinstance(tree, Operation):
        return f"{tree:f}" if isinstance(tree, Decimal) else str(tree)
    sign = f" {_SIGNS[tree.concept]} "
    return sign.join(
        f"({infix(item, value_of)})" if isinstance(item, Operation) else infix(item, value_of) for item in tree.operands
    )


def _option(card: Card, concept: str) -> dict[str, Any]:
    """The enumerated value that names the operation, for a tool that does several."""
    names = {
        concept,
        {"add": "sum", "multiply": "product", "subtract": "difference", "divide": "quotient"}.get(concept, ""),
    }
    for parameter in card.parameters:
        for option in parameter.options:
            said = fold(str(option))
            if (verb_concepts(said) | nouns(said)) & names:
                return {parameter.name: option}
    return {}


def _mentions_result(tree: Any) -> bool:
    return isinstance(tree, Earlier) or (isinstance(tree, Operation) and any(map(_mentions_result, tree.operands)))
