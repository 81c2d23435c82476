"""The free text of a step: what is left of it beside the words that ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .lexer import Token
from .lexicon import NOTHING

_EDGE_CONCEPTS = frozenset(
    ("text", "word", "sentence", "number", "information", "convert", "show", "consult", "calculate")
)
_GREETINGS = frozenset(
    ("hola", "hello", "hi", "hey", "buenas", "saludos", "buenos dias", "buenas tardes", "buenas noches", "good morning")
)
# Grammar that begins a text often enough to be part of it, and grammar that only leads to something.
_MEANT = frozenset(
    [
        "todo",
        "toda",
        "todos",
        "todas",
        "yo",
        "ella",
        "otro",
        "otra",
        "i",
        "you",
        "we",
        "no",
        "not",
        "mi",
        "mis",
        "my",
        "your",
        "our",
        "quien",
        "who",
        "nos",
        "us",
    ]
)
_LEADING = frozenset(
    [
        "a",
        "al",
        "en",
        "de",
        "del",
        "con",
        "por",
        "para",
        "que",
        "el",
        "la",
        "los",
        "las",
        "un",
        "una",
        "lo",
        "to",
        "in",
        "into",
        "of",
        "for",
        "from",
        "by",
        "with",
        "on",
        "the",
        "an",
        "at",
        "as",
        "is",
        "are",
        "es",
        "son",
        "este",
        "esta",
        "estos",
        "estas",
        "ese",
        "esa",
        "this",
        "these",
        "those",
        "tiene",
        "tienen",
        "hay",
        "has",
        "have",
        "el",
        "siguiente",
        "following",
    ]
)
# After "la frase" or "the word" all is text but these.
_INTRODUCING = frozenset(("text", "word", "sentence"))
_CONNECTING = frozenset(("de", "of", "que", "that", "dice", "says", "siguiente", "following", "is", "es", ":", ","))
_POLITE = frozenset(("por favor", "please", "porfa", "porfavor", "thank you"))
_TEXT_WORDS = frozenset(
    ("dice", "diga", "says", "texto", "frase", "palabra", "cadena", "text", "phrase", "word", "string")
)


def remaining(tokens: Sequence[Token], question: str, asks: Callable[[Token], bool]) -> str:
    """The longest stretch of the step that does not ask for anything, as written; "" if there is none.

    `asks` tells the words that ask for the tool. Grammar at the edges is cut off; politeness too, unless
    nothing else is left ("convierte hola a mayúsculas").
    """
    best: list[Token] = []
    polite: list[Token] = []
    for run in _runs(tokens, asks):
        trimmed = _trim(run)
        if len(trimmed) > len(best):
            best = trimmed
        elif not trimmed and not polite:
            polite = [token for token in run if token.entry.part == "filler"]
    chosen = best or polite
    if not chosen:
        return ""
    return _capitals(chosen, question) or question[chosen[0].start : chosen[-1].end]


def _runs(tokens: Sequence[Token], asks: Callable[[Token], bool]) -> Iterator[list[Token]]:
    """The stretches between quotes and words that ask. A step's first verb asks, whatever the tool calls it."""
    first = _first_word(tokens)
    run: list[Token] = []
    for place in range(first, len(tokens)):
        token = tokens[place]
        opens = place == first and token.entry.part == "action"
        if opens or token.kind == "quote" or token.folded in _POLITE or asks(token):
            if run:
                yield run
            run = []
        else:
            run.append(token)
    if run:
        yield run


def _first_word(tokens: Sequence[Token]) -> int:
    """The place of the first word after a greeting and its marks; what asks for nothing greets nobody."""
    if not any(token.entry.part in ("action", "question") for token in tokens):
        return 0
    place = 0
    while place < len(tokens) and (tokens[place].kind == "mark" or tokens[place].entry.part in ("filler", "weak")):
        place += 1
    return place


def _trim(run: list[Token]) -> list[Token]:
    """The run without grammar around it: "la frase hola a todos a" is "hola a todos"."""
    first, last = 0, len(run)
    introduced = False
    while first < last and (run[first].folded in _CONNECTING if introduced else _is_edge(run[first])):
        introduced = introduced or not _INTRODUCING.isdisjoint(run[first].entry.concepts)
        first += 1
    while last > first and _is_edge(run[last - 1]) and not _is_last_word(run[last - 1]):
        last -= 1
    return run[first:last]


def _is_last_word(token: Token) -> bool:
    """Whether grammar can end a text: "hola a todos" can, "hola a" cannot."""
    return token.entry.part == "function" and token.folded not in _LEADING


def _is_edge(token: Token) -> bool:
    if token.kind == "mark" or (token.kind == "operator" and token.text not in "+-"):
        return True
    if token.kind != "word" or (len(token.text) > 1 and token.text.isupper() and token.entry.part != "filler"):
        return False  # SHOUTED words are meant: "convierte EL MUNDO a minúsculas"
    entry = token.entry
    if entry.part == "filler":
        return token.folded not in _GREETINGS  # a greeting in this place is the text: "hola mundo"
    if token.folded in _MEANT:
        return False
    if entry.part in ("function", "weak", "reference", "question"):
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
