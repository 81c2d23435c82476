"""How a request is begun: courtesies, and the words that make an order, a polite question or a wish of what follows."""

from __future__ import annotations

from typing import Literal

import msgspec

from .folding import word_set
from .lexer import Token
from .lexicon import phrases, verbs
from .vocabulary import COURTESIES, NOW

Force = Literal["order", "polite", "wish", "statement"]

_ORDER = (
    "quiero que|quisiera que|necesito que|me gustaria que|te pido que|deseo que|haz el favor de|hazme el favor"
    " de|i want you to"
    "|i need you to|i would like you to|i'd like you to|go ahead and|ayudame a|help me|quiero que me|necesito que me"
    "|te ruego que|haz favor de|i want you to please|you need to"
)
_POLITE = (
    "me ayudas a|puedes|podrias|puede|podria|me puedes|me podrias|podrias tu|can you|could you|would you|will you"
    "|serias tan amable de"
    "|would you be so kind as to|sabes|can u|te importa|te importaria|would you mind|podriais|podeis|nos puedes"
    "|quieres|te animas a|are you able to|is it possible to|es posible|me haces el favor de"
)
_WISH = (
    "quiero|quisiera|necesito|deseo|me gustaria|i want to|i need to|i'd like to|i would like to|let's|let us"
    "|vamos a|hay que"
    "|tengo que|debo|i have to|i must|voy a|i'm going to|can i|may i|should i|could i|can we|puedo|podemos|debemos|debo"
    "|should we|quiero saber"
    "|quisiera saber|me gustaria saber|i want to know|i'd like to know|i would like to know|necesito"
    " saber|let me know"
    "|tell me|dime|do you know|sabes|me dices|me puedes decir|puedes decirme|can you tell me|could you tell me"
    "|podrias decirme"
    "|me podrias decir|necesito la|necesito el|quiero el|quiero la|give me|dame|show me|i need|i want|can you"
    " show me|muestrame"
    "|find out|averigua|tell me please|di|cuentame|me puedes decir|quiero ver|necesito ver|queria saber|give me"
    " the|me gustaria ver"
)

NEGATIONS = word_set(
    "no not nunca jamas never don't dont doesn't didn't do-not can't cannot won't shouldn't mustn't wouldn't"
    " without sin tampoco ni nor neither evita evitar evites avoid refrain stop deja dejes rather prohibido"
    " forbidden ningun ninguna isn't aren't needn't nope nadie nada skip omite ahorrate absten abstente olvidate"
    " forget rehusa niegate impide prevent"
)  # fmt: skip


class Lead(msgspec.Struct, frozen=True, gc=False):
    """What stands before the request proper: its force, and the place behind it."""

    force: Force
    after: int
    polite: bool = False


def _table(text: str, force: Force) -> list[tuple[tuple[str, ...], Force]]:
    return [(tuple(row.split()), force) for row in text.split("|")]


_LEADS: dict[str, list[tuple[tuple[str, ...], Force]]] = {}
"""The phrases by their first word, the longest first."""
for _row in sorted(
    [*_table(_ORDER, "order"), *_table(_POLITE, "polite"), *_table(_WISH, "wish")], key=lambda row: -len(row[0])
):
    _LEADS.setdefault(_row[0][0], []).append(_row)


def merge(tokens: list[Token]) -> list[Token]:
    """Returns the tokens with the phrases of the vocabulary as one word each."""
    table = phrases()
    if not any(token.folded in table for token in tokens):
        return tokens
    merged: list[Token] = []
    place = 0
    while place < len(tokens):
        token, taken = tokens[place], 1
        for words, meant in table.get(token.folded, ()) if token.kind == "word" else ():
            ahead = tokens[place : place + len(words)]
            if tuple(item.folded for item in ahead) == words and all(item.kind == "word" for item in ahead):
                taken = len(words)
                token = Token("word", token.text, token.start, ahead[-1].end, meant, token.glued)
                break
        merged.append(token)
        place += taken
    return merged


_FRIENDLY = frozenset("🙂😀😃😄😁😊😉🤗🙏👍👋💪❤🎉✨☺\ufe0f")
"""Signs that are pleasant and say nothing else: a cross or an upturned face may take the request back."""

_LAST_COURTESIES = word_set("please porfa porfavor pls porfis thanks gracias thx kindly")


def is_courtesy(token: Token) -> bool:
    """Whether a word or mark says nothing but politeness."""
    if token.kind == "mark":
        return token.text in ",.!¡¿\n…" or token.text in _FRIENDLY
    return token.kind == "word" and token.folded in COURTESIES


def _ends_politely(token: Token) -> bool:
    return (
        token.text in "?,.!…\n" or token.text in _FRIENDLY
        if token.kind == "mark"
        else token.kind == "word" and token.folded in _LAST_COURTESIES
    )


def trim(tokens: list[Token], start: int, end: int) -> tuple[int, int, bool]:
    """Returns the part without courtesies at its ends, and whether a word of courtesy was among them."""
    polite = False
    while start < end and (is_courtesy(tokens[start]) or tokens[start].folded in NOW):
        polite = polite or tokens[start].folded in ("please", "porfa", "porfavor", "pls", "porfis")
        start += 1
    if start < end and tokens[start].folded in ("primero", "first", "firstly") and end - start > 1:
        start += 1
        return trim(tokens, start, end)
    while end > start and (
        _ends_politely(tokens[end - 1]) or tokens[end - 1].folded in ("ahora", "now", "tambien", "also", "too")
    ):
        polite = polite or tokens[end - 1].folded in ("please", "porfa", "porfavor", "pls", "porfis")
        end -= 1
    return start, end, polite


def lead(tokens: list[Token], start: int, end: int) -> Lead:
    """Returns how a step begins; an order where a verb in the imperative does."""
    for words, force in _LEADS.get(tokens[start].folded, ()) if start < end else ():
        if tuple(token.folded for token in tokens[start : min(start + len(words), end)]) == words:
            after, _, polite = trim(tokens, start + len(words), end)
            fits = _moods(tokens, after, end)
            if force == "order" and not fits & {"wish", "inf"}:
                continue
            if force == "polite" and not fits & {"inf", "ing", "wish", "you"}:
                continue
            if force == "wish" and words[-1] in ("dime", "di", "me") and fits & {"order"}:
                continue
            return Lead(force, after, polite)
    return Lead("order" if "order" in _moods(tokens, start, end) else "statement", start)


def _moods(tokens: list[Token], start: int, end: int) -> frozenset[str]:
    place = start
    while place < end and tokens[place].folded in ("me", "le", "lo", "los", "la", "las", "nos", "les", "please"):
        place += 1
    if place >= end or tokens[place].kind != "word":
        return frozenset()
    found = verbs(tokens[place].folded, tokens[place].ending())
    return frozenset(mood for verb in found for mood in verb.moods)


def is_question(tokens: list[Token]) -> bool:
    """Whether the request is put as a question: by its marks, or by the word it begins with."""
    if any(token.kind == "mark" and token.text in "¿?" for token in tokens):
        return True
    first = next((token for token in tokens if not is_courtesy(token)), None)
    return first is not None and is_asking(first)


def is_asking(token: Token) -> bool:
    """Whether a word begins a question."""
    return token.kind == "word" and token.folded in _QUESTION_WORDS


_QUESTION_WORDS = word_set(
    "que cual cuales quien quienes cuanto cuantos cuanta cuantas como donde cuando what what's whats which who"
    " how where when can could may should would is are does do will puedo puede se debo deberia podemos"
)  # fmt: skip
