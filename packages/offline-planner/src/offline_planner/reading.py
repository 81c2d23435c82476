"""Reading the numbers among a question's tokens: digits, words, signs and percents become number tokens."""

from __future__ import annotations

from .lexer import Token
from .numbers import NUMBER_WORDS, Number, read_digits, read_words

_MINUS = frozenset("-−–")
_NEGATIVE_WORDS = frozenset(("menos", "minus", "negative", "negativo"))
_POINTING = frozenset(("that", "this", "the", "each", "which", "new"))


def read_numbers(tokens: list[Token], language: str) -> list[Token]:
    """The tokens with every number read; digits that are no quantity ("1.2.3.4") become words."""
    if not any(token.kind == "number" or token.folded in NUMBER_WORDS for token in tokens):
        return tokens
    words = [token.folded for token in tokens]
    found: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind == "number":
            _add_digits(found, token, language)
            place += 1
        elif token.kind == "word" and (token.folded in NUMBER_WORDS or token.folded in ("un", "una")):
            number, after = read_words(words, place)
            if number is None or (token.folded == "one" and found and found[-1].folded in _POINTING):
                found.append(token)
                place += 1
                continue
            _append(found, number, "", token.start, tokens[after - 1].end)
            place = after
        elif token.text == "%" and found and _is_percent(found[-1], tokens, place):
            last = found[-1]
            value = last.number.value if last.number else 0
            found[-1] = Token("number", last.text, last.start, token.end, number=Number(value, percent=True))
            place += 1
        else:
            found.append(token)
            place += 1
    return found


def _is_percent(before: Token, tokens: list[Token], place: int) -> bool:
    """Whether the sign at `place` is a percent sign and not a remainder ("7 % 3")."""
    followed = place + 1 < len(tokens) and tokens[place + 1].kind == "number"
    return before.number is not None and (before.end == tokens[place].start or not followed)


def _add_digits(found: list[Token], token: Token, language: str) -> None:
    numbers = read_digits(token.text, language)
    if not numbers:
        found.append(Token("word", token.text, token.start, token.end, token.text))
        return
    _append(found, numbers[0], token.text, token.start, token.end)
    for number in numbers[1:]:
        found.append(Token("number", token.text, token.start, token.end, number=number))


def _append(found: list[Token], number: Number, text: str, start: int, end: int) -> None:
    """Add a number, taking a sign before it that does not subtract it from something."""
    if found and _is_sign(found, start):
        start = found.pop().start
        number = number.negated()
        text = "-" + text if text else ""
    found.append(Token("number", text, start, end, number=number))


def _is_sign(found: list[Token], start: int) -> bool:
    sign = found[-1]
    before = found[-2] if len(found) > 1 else None
    if sign.folded in ("negative", "negativo"):
        return True
    touching = sign.text in _MINUS and sign.end == start
    if not touching and sign.folded not in _NEGATIVE_WORDS:
        return False
    if before is None:
        return touching
    if before.number is not None or before.kind == "quote" or before.text == ")":
        return False
    return touching or before.entry.part not in ("reference", "filler", "strong")
