"""Saying why nothing was called: the part that was not understood, and what would be."""

from __future__ import annotations

from .cards import Card
from .lexer import READ
from .phrases import Phrases
from .plan import MOST_CALLS, Problem
from .progress import describe_tool
from .requests import MOST_TOKENS
from .wording import shortened


def explain(problem: Problem, phrases: Phrases, language: str) -> str:
    """Returns the sentence for a problem, in the language of `phrases`."""
    part = shortened(" ".join(problem.part[:400].split()))
    card = problem.cards[0] if problem.cards else None
    trouble = problem.trouble
    if trouble == "missing" and card is not None:
        return phrases.missing.format(step=part, tool=describe_tool(card), names=", ".join(problem.names))
    if trouble == "wrong" and card is not None:
        name = problem.names[0]
        return phrases.wrong.format(tool=describe_tool(card), name=name, allowed=_allowed(card, name))
    if trouble == "told" and card is not None:
        title = card.title_in(language) or card.name
        return phrases.told.format(tool=describe_tool(card), title=title, example=_example(card, language))
    if trouble == "choose":
        return _choice(problem, part, phrases)
    if trouble == "number":
        form = phrases.number_choice if problem.names else phrases.number
        return form.format(text=part, values=f" {phrases.or_word} ".join(problem.names))
    if trouble == "unclear" and card is not None:
        near = phrases.instead.format(tool=describe_tool(card), title=card.title_in(language) or card.name)
        return f"{phrases.unclear.format(part=part)} {near}"
    simple = {
        "negated": phrases.negated.format(word=part),
        "inexact": phrases.inexact.format(text=part),
        "no_result": phrases.no_earlier.format(step=part),
        "too_many": phrases.too_many.format(step=part, limit=MOST_CALLS),
        "too_long": phrases.too_long.format(characters=READ, words=MOST_TOKENS),
        "which_text": phrases.which_text.format(part=part),
        "unclear": phrases.unclear.format(part=part),
    }
    return simple.get(trouble, phrases.no_tool.format(step=part))


def _choice(problem: Problem, part: str, phrases: Phrases) -> str:
    if problem.names == ("tool",):
        return phrases.choose_tool.format(tools=", ".join(describe_tool(card) for card in problem.cards))
    return (phrases.choose_text if problem.names == ("text",) else phrases.choose_reading).format(part=part)


def _allowed(card: Card, name: str) -> str:
    item = next(item for item in card.parameters if item.name == name)
    return ", ".join(map(str, item.options)) or item.kind


def _example(card: Card, language: str) -> str:
    """An order that would be understood, with the tool's parameters in place of their values."""
    names = " ".join(f"{item.name}=…" for item in card.parameters if item.required)
    said = ("usa {tool} con {names}" if language == "es" else "use {tool} with {names}") if names else "usa {tool}"
    return said.format(tool=card.name, names=names)
