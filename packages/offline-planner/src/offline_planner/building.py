"""Making the plan of a question: for each step the tool, its arguments, and what it takes from earlier steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import arithmetic, items, matching, steps
from .arguments import Filler, Missing
from .calls import MOST_CALLS, Call, Earlier, Operation, Outcome, Plan
from .cards import NAME_WORD_WEIGHT, Card
from .concepts import OPERATIONS
from .lexer import Token
from .lexicon import NOTHING
from .steps import Step

_COUNTING = frozenset(("count", "length"))
_INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "modulo": "%"}


class _NoTool(Exception):
    """No offered tool does this operation."""


class Builder:
    """Builds the plan of one question over the offered tools.

    `has_history` says that an earlier turn had a result; `forced` that one of the tools must be called, so that
    the best one is taken however badly it fits.
    """

    def __init__(self, cards: Sequence[Card], question: str, *, has_history: bool, forced: bool = False) -> None:
        self._cards = cards
        self._question = question
        self._has_history = has_history
        self._forced = forced
        self._plan = Plan([], [])

    def build(self, tokens: list[Token]) -> Plan:
        """The plan for the question's tokens, their numbers read."""
        for step in steps.split(tokens, self._question, self._names_tool, self._takes_text):
            self._plan.outcomes.append(self._outcome(step))
        return self._plan

    def _names_tool(self, stem: str) -> bool:
        return any(card.stems.get(stem) == NAME_WORD_WEIGHT for card in self._cards)

    def _takes_text(self, tokens: list[Token]) -> bool:
        best = self._ranked(tokens)
        if not best or best[0].operations:
            return False
        texts = [item for item in best[0].parameters if item.kind in ("string", "any") and not item.options]
        return len(texts) == 1

    def _ranked(self, tokens: Sequence[Token]) -> list[Card]:
        """The tools that match, best first. A tool whose name says more than the step needs something to work on."""
        meaning = matching.Meaning(tokens)
        meaning.concepts |= items.operations_in(tokens)
        if self._forced:
            return [card for _, card in matching.ranked(meaning, self._cards)] or list(self._cards)
        return [
            card
            for points, card in matching.ranked(meaning, self._cards)
            if points >= matching.SURE
            or (
                points >= matching.ACCEPTED
                and (not matching.missing(meaning.concepts, card) or _has_work(tokens, card))
            )
        ]

    def _outcome(self, step: Step) -> Outcome:
        text = self._words(step)
        matches = self._ranked(step.tokens)
        first = len(self._plan.calls)
        try:
            done = self._calculate(step, matches, text) or self._use(step, matches, text)
        except items.Unclear:
            del self._plan.calls[first:]
            return Outcome(text, trouble="unclear", card=matches[0] if matches else None)
        except arithmetic.TooMany:
            return Outcome(text, trouble="too_many")
        except _NoTool:
            del self._plan.calls[first:]
            return Outcome(text, trouble="no_tool")
        if len(self._plan.calls) > MOST_CALLS:
            del self._plan.calls[first:]
            return Outcome(text, trouble="too_many")
        return done

    def _words(self, step: Step) -> str:
        """The step as it was written."""
        tokens = [token for token in step.tokens if token.kind != "mark"] or step.tokens
        return self._question[tokens[0].start : tokens[-1].end] if tokens else ""

    # --- arithmetic --------------------------------------------------------------------------------------

    def _calculate(self, step: Step, matches: list[Card], text: str) -> Outcome | None:
        """The step as arithmetic, or None when it is not that."""
        if matches and not matches[0].operations and "calculate" not in matches[0].named:
            return None
        tokens = step.tokens
        if not any(token.number for token in tokens) and any(token.number for token in step.context):
            tokens = [*step.context, *tokens]
        before, several = self._previous(), self._plan.results()
        implied = step.linked or _refers(tokens)
        try:
            tree = arithmetic.parse(tokens, before, several, implied)
        except items.Unclear:
            if not matches and not any(token.number for token in tokens):
                return None
            if before is None or implied:
                return self._incomplete(tokens, matches, text)
            tree = arithmetic.parse(tokens, before, several, True)
        if tree is None:
            return None
        first = len(self._plan.calls)
        try:
            self._emit(tree, matches)
        except _NoTool:
            del self._plan.calls[first:]
            self._emit_expression(tree, matches)
        return Outcome(text, list(range(first, len(self._plan.calls))), sum=tree)

    def _incomplete(self, tokens: Sequence[Token], matches: list[Card], text: str) -> Outcome:
        """Fewer numbers than the operation needs are missing arguments; more are unclear."""
        given = sum(token.number is not None for token in tokens)
        if matches and given < 2 and not items.has_sign(tokens):
            required = [item.name for item in matches[0].parameters if item.required and not item.options]
            return Outcome(text, trouble="missing", card=matches[0], lacking=tuple(required[given:]))
        raise items.Unclear

    def _emit(self, tree: Operation, matches: list[Card]) -> Earlier:
        """Add the calls of a tree; the last one gives its result."""
        card = self._card_for(tree.concept, matches)
        values = [self._emit(item, matches) if isinstance(item, Operation) else item for item in tree.operands]
        listed = next((item for item in card.parameters if item.kind == "array"), None)
        if listed is not None and len(card.numeric) < 2:
            return self._add(card, {**_options(card, tree.concept), listed.name: values})
        left = values[0]
        for right in values[1:]:
            slots = card.numeric
            arguments = {**_options(card, tree.concept), slots[0].name: left, slots[1].name: right}
            left = self._add(card, arguments)
            if len(self._plan.calls) > MOST_CALLS:
                break
        return left if isinstance(left, Earlier) else Earlier(len(self._plan.calls) - 1)

    def _card_for(self, concept: str, matches: list[Card]) -> Card:
        able = [card for card in (*matches, *self._cards) if concept in card.operations or _has_option(card, concept)]
        named = [card for card in able if concept in card.named]
        if not able:
            raise _NoTool(concept)
        return (named or able)[0]

    def _emit_expression(self, tree: Operation, matches: list[Card]) -> None:
        """Give the whole sum to a tool that evaluates an expression, if one is offered."""
        for card in (*matches, *self._cards):
            texts = [item for item in card.parameters if item.kind == "string" and item.required and not item.options]
            if "calculate" in card.named and len(texts) == 1 and not _mentions_result(tree):
                self._add(card, {texts[0].name: infix(tree)})
                return
        raise _NoTool(tree.concept)

    # --- any tool ----------------------------------------------------------------------------------------

    def _use(self, step: Step, matches: list[Card], text: str) -> Outcome:
        """The step as one call of the best tool whose parameters can all be filled."""
        if not matches:
            return Outcome(text, trouble="no_tool")
        first = len(self._plan.calls)
        tokens, subject, refers = self._material(step)
        lacking: tuple[str, ...] = ()
        for card in matches:
            filler = Filler(card, tokens, self._question, subject=subject, result=self._previous(), refers=refers)
            try:
                arguments = filler.fill()
            except Missing as error:
                lacking = lacking or error.names
                continue
            if filler.unused_numbers():
                raise items.Unclear
            self._add(card, arguments)
            worked_on = next((value for value in arguments.values() if isinstance(value, (str, Earlier))), None)
            calls = list(range(first, len(self._plan.calls)))
            return Outcome(text, calls, subject=worked_on, countable=bool(_COUNTING & card.named), card=card)
        return Outcome(text, trouble="missing", card=matches[0], lacking=lacking)

    def _material(self, step: Step) -> tuple[Sequence[Token], Any, bool]:
        """The words to fill parameters from, what "it" is, and whether the step speaks of that."""
        tokens = step.tokens
        for place, token in enumerate(tokens):
            if token.entry.part == "reference" and items.introduces(tokens, place):
                # "convierte el resultado de sumar 3 y 4 a mayúsculas"
                tree = arithmetic.parse(tokens[place + 1 :], None, (), False)
                if tree is not None:
                    return tokens[:place], self._emit(tree, []), True
        if step.context and not any(token.number or token.kind == "quote" for token in tokens):
            tokens = [*tokens, *(token for token in step.context if token.kind == "quote" or token.number)]
        return tokens, self._subject(), _refers(step.tokens)

    def _add(self, card: Card, arguments: dict[str, Any]) -> Earlier:
        self._plan.calls.append(Call(card, arguments))
        return Earlier(len(self._plan.calls) - 1)

    def _previous(self) -> Earlier | None:
        """The result of the step before, or for the first step that of an earlier turn."""
        if self._plan.outcomes:
            calls = self._plan.outcomes[-1].calls
            return Earlier(calls[-1]) if calls else None
        return Earlier(-1) if self._has_history else None

    def _subject(self) -> Any:
        """What "it" is for a tool that takes text: what the step before counted, else what it gave."""
        last = self._plan.outcomes[-1] if self._plan.outcomes else None
        if last is not None and last.countable and last.subject is not None:
            return last.subject
        return self._previous()


def infix(tree: Any, value_of: dict[int, str] | None = None) -> str:
    """The sum in signs, with brackets where they are needed; `value_of` gives earlier results by their index."""
    if isinstance(tree, Earlier):
        return (value_of or {}).get(tree.index, "?")
    if not isinstance(tree, Operation):
        return str(tree)
    sign = f" {_INFIX[tree.concept]} "
    return sign.join(
        f"({infix(item, value_of)})" if isinstance(item, Operation) else infix(item, value_of) for item in tree.operands
    )


def _has_work(tokens: Sequence[Token], card: Card) -> bool:
    """Whether the step names something for the tool to work on: a quote, a number, a name, a reference."""
    if not any(item.required for item in card.parameters):
        return True
    takes_text = any(item.kind in ("string", "any") for item in card.parameters)
    for token in tokens:
        if token.number is not None:
            found = bool(card.numeric)
        elif token.kind == "quote":
            found = takes_text
        else:
            name = token.start > 0 and token.text[:1].isupper() and token.entry is NOTHING
            found = token.entry.part == "reference" or bool(token.entry.clitic) or (takes_text and name)
        if found:
            return True
    return False


def _refers(tokens: Sequence[Token]) -> bool:
    return any(token.entry.clitic or token.entry.part == "reference" for token in tokens)


def _options(card: Card, concept: str) -> dict[str, Any]:
    """The enumerated value that names the operation, for a tool that does several."""
    for parameter in card.parameters:
        for option in parameter.options:
            if concept in matching.concepts_of(str(option)):
                return {parameter.name: option}
    return {}


def _has_option(card: Card, concept: str) -> bool:
    return concept in OPERATIONS and concept in card.options and len(card.numeric) >= 2


def _mentions_result(tree: Any) -> bool:
    return isinstance(tree, Earlier) or (isinstance(tree, Operation) and any(map(_mentions_result, tree.operands)))
