"""Saying what came of the plan: each step's result as its tool gave it, each failure as what it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .building import infix
from .cards import Card
from .phrases import Phrases
from .plan import Earlier, Operation, Outcome, Plan
from .progress import Progress, describe_tool
from .transcript import Executed, number, plain

_LONGEST_QUOTE = 120
_MOST_TOOLS = 24


class Wording:
    """Words the outcomes of one plan in one language."""

    def __init__(self, plan: Plan, progress: Progress, phrases: Phrases, *, may_call: bool) -> None:
        self._plan = plan
        self._progress = progress
        self._phrases = phrases
        self._may_call = may_call

    def lines(self) -> list[str]:
        """One sentence per step, and one per call that the plan does not know."""
        said = [self._outcome(outcome) for outcome in self._plan.outcomes]
        return said + [self._foreign(executed) for executed in self._progress.unplanned]

    def _outcome(self, outcome: Outcome) -> str:
        for index in outcome.calls:
            made = self._progress.made(index)
            name = self._plan.calls[index].card.name
            if made is not None and made.failed:
                return self._phrases.failed.format(tool=name, error=(made.text or "").strip())
            if made is not None and made.text is None:
                return self._phrases.no_result.format(tool=name)
            if made is None:
                phrase = self._phrases.depends if self._may_call else self._phrases.not_allowed
                return phrase.format(step=self._step(outcome))
        return self._success(outcome)

    def _success(self, outcome: Outcome) -> str:
        last = outcome.calls[-1]
        made = self._progress.made(last)
        result = plain(made.text or "") if made is not None else ""
        if outcome.sum is not None:
            return self._phrases.sum.format(what=self._sum(outcome.sum), result=result)
        call = self._plan.calls[last]
        arguments = self._progress.arguments(last) or {}
        texts = [value for value in arguments.values() if isinstance(value, str)]
        if len(texts) == 1 == len(arguments):
            said = self._about_text(call.card, texts[0], result)
            if said:
                return said
        shown = ", ".join(f"{name}: {self._short(value)}" for name, value in arguments.items())
        phrase = self._phrases.result_with if shown else self._phrases.result
        return phrase.format(tool=call.card.name, arguments=shown, result=result or self._phrases.no_content)

    def _about_text(self, card: Card, text: str, result: str) -> str:
        """A sentence for tools that count a text or change its form, else ""."""
        shown = self._quote(text) if len(text) <= _LONGEST_QUOTE else self._phrases.the_text
        counted = number(result)
        if card.unit in self._phrases.units and counted is not None:
            form = self._phrases.units[card.unit][0 if counted == 1 else 1]
            return self._phrases.counted.format(text=shown, count=result, unit=form)
        changed = self._phrases.changed.get(card.form)
        return changed.format(text=shown, result=self._quote(result)) if changed else ""

    def _sum(self, tree: Operation) -> str:
        """The sum in words when it is flat, in signs when it is nested."""
        known = {item.index: self._progress.text_of(item) or "?" for item in _results(tree)}
        pattern = self._phrases.operations.get(tree.concept)
        flat = not any(isinstance(item, Operation) for item in tree.operands)
        if pattern is None or not flat or (len(tree.operands) > 2 and "{list}" not in pattern):
            return infix(tree, known)
        values = [infix(item, known) for item in tree.operands]
        listed = f"{', '.join(values[:-1])} {self._phrases.and_word} {values[-1]}"
        return pattern.format(a=values[0], b=values[1], list=listed)

    def _foreign(self, executed: Executed) -> str:
        name = executed.call.name
        if executed.text is None:
            return self._phrases.no_result.format(tool=name)
        if executed.failed:
            return self._phrases.failed.format(tool=name, error=executed.text.strip())
        return self._phrases.result.format(tool=name, result=plain(executed.text) or self._phrases.no_content)

    def _step(self, outcome: Outcome) -> str:
        return shortened(outcome.text)

    def _quote(self, text: str) -> str:
        return f"{self._phrases.open_quote}{text}{self._phrases.close_quote}"

    def _short(self, value: Any) -> str:
        text = shortened(value if isinstance(value, str) else str(value))
        return self._quote(text) if isinstance(value, str) else text


def shortened(text: str) -> str:
    """Returns the beginning of a long text."""
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"


def numbered(lines: Sequence[str]) -> str:
    """The sentences as the answer: numbered when there are several."""
    if len(lines) == 1:
        return lines[0]
    return "\n".join(f"{place}. {line}" for place, line in enumerate(lines, 1))


def abilities(cards: Sequence[Card], phrases: Phrases, language: str) -> str:
    """Returns what the offered tools do, a line each; or that there are none."""
    if not cards:
        return phrases.no_tools
    titles = [(card, card.title_in(language)) for card in cards[:_MOST_TOOLS]]
    lines = [f"- {describe_tool(card)}{': ' + title if title else ''}" for card, title in titles]
    if len(cards) > _MOST_TOOLS:
        lines.append(phrases.more.format(count=len(cards) - _MOST_TOOLS))
    return "\n".join([phrases.can, *lines])


def _results(tree: Any) -> list[Earlier]:
    if isinstance(tree, Earlier):
        return [tree]
    return [leaf for item in tree.operands for leaf in _results(item)] if isinstance(tree, Operation) else []
