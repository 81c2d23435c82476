"""A call that the request demands (`tool_choice`) where its words do not ask for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .cards import Card
from .lexer import Token
from .marks import Marks, Unclear
from .numbers import Reader
from .plan import Call, Outcome, Plan


def forced_call(question: str, tokens: Sequence[Token], cards: Sequence[Card], language: str | None) -> Plan | None:
    """Returns a plan with one call of the first tool that the question can fill; None if it can fill none.

    A text is the question's quote or, without one, the whole question; numbers must be as many as the tool takes.
    """
    for card in cards:
        arguments = _filled(question, list(tokens), card, language)
        if arguments is not None:
            return Plan([Call(card, arguments)], [Outcome(question.strip()[:400], [0])])
    return None


def _filled(question: str, tokens: list[Token], card: Card, language: str | None) -> dict[str, Any] | None:
    needed = [item for item in card.parameters if item.required]
    texts = [item for item in needed if item.kind in ("string", "any") and not item.options]
    numbers = [item for item in needed if item.kind in ("number", "integer")]
    if len(texts) + len(numbers) != len(needed) or len(texts) > 1 or (texts and numbers):
        return None
    if texts:
        quotes = [token.text for token in tokens if token.kind == "quote"]
        return {texts[0].name: quotes[0] if len(quotes) == 1 else question.strip()}
    found = _numbers(tokens, language)
    return dict(zip((item.name for item in numbers), found, strict=True)) if len(found) == len(numbers) else None


def _numbers(tokens: list[Token], language: str | None) -> list[Any]:
    reader, found, place = Reader(tokens, Marks(tokens, language)), [], 0
    try:
        while place < len(tokens):
            number = reader.read(place)
            found += [number.value] if number is not None else []
            place = number.after if number is not None else place + 1
    except Unclear:
        return []
    return found
