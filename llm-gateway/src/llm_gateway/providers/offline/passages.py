"""The free text of a step: what is left of it beside the words that ask."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .lexer import Token
from .lexicon import NOTHING

_EDGE_CONCEPTS = frozenset(("text", "number", "information", "convert", "show", "consult", "calculate"))
_TEXT_WORDS = frozenset("dice diga says texto frase palabra cadena text phrase word string".split())


def asks(token: Token, concepts: Collection[str]) -> bool:
    """Whether the token is one of the words that ask for a tool about `concepts`."""
    if token.entry.part in ("question", "filler", "strong"):
        return True
    return bool(token.entry.concepts) and any(name in concepts for name in token.entry.concepts)


def remaining(tokens: Sequence[Token], question: str, concepts: Collection[str]) -> str:
    """The longest stretch of the step that does not ask, as written, without grammar at its edges; "" if none."""
    best, best_length = "", 0
    run: list[Token] = []
    for token in (*tokens, None):
        if token is not None and token.kind != "quote" and not asks(token, concepts):
            run.append(token)
            continue
        trimmed = _trim(run)
        if len(trimmed) > best_length:
            capitals = _capitals(trimmed, question)
            best, best_length = capitals or question[trimmed[0].start : trimmed[-1].end], len(trimmed)
        run = []
    return best


def _trim(run: list[Token]) -> list[Token]:
    first, last = 0, len(run)
    while first < last and _is_edge(run[first]):
        first += 1
    while last > first and _is_edge(run[last - 1]):
        last -= 1
    return run[first:last]


def _is_edge(token: Token) -> bool:
    if token.kind == "mark" or (token.kind == "operator" and token.text not in "+-"):
        return True
    if token.kind != "word" or (len(token.text) > 1 and token.text.isupper() and token.entry.part != "filler"):
        return False  # SHOUTED words are meant: "convierte EL MUNDO a minúsculas"
    entry = token.entry
    if entry.part in ("function", "filler", "weak", "reference", "question"):
        return True
    return entry is not NOTHING and bool(entry.concepts) and _EDGE_CONCEPTS.issuperset(entry.concepts)


def _capitals(run: list[Token], question: str) -> str:
    """The all-capitals words of a mixed run when it introduces them: "el texto que dice HOLA MUNDO"."""
    shouted = [token.kind == "word" and len(token.text) > 1 and token.text.isupper() for token in run]
    if True not in shouted or all(shouted):
        return ""
    first = shouted.index(True)
    last = first
    while last + 1 < len(run) and shouted[last + 1]:
        last += 1
    introduced = first > 0 and run[first - 1].folded in _TEXT_WORDS
    return question[run[first].start : run[last].end] if introduced or last > first else ""
