"""Numbers as people write them: digits with point or comma, and words in Spanish and English.

A lone separator with three digits after it is read as its language writes thousands (Spanish 1.500, English
1,500); every other lone separator is a decimal mark. The answer repeats the numbers that were used, so a reader
sees which reading was taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

# Past this many characters a run of digits is an identifier, not a quantity.
_LONGEST = 300

_THOUSANDS = {",": re.compile(r"[1-9]\d{0,2}(?:,\d{3})+"), ".": re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")}


class Number(msgspec.Struct, frozen=True, gc=False):
    """A quantity. `split` holds the two numbers that the same words mean when two are wanted ("treinta y
    cinco", "1,2"); `percent` says that a percent sign follows."""

    value: int | float
    split: tuple[int | float, int | float] | None = None
    percent: bool = False

    def amount(self) -> int | float:
        """The value to calculate with: 15 % is 0.15."""
        return exact(self.value / 100) if self.percent else self.value

    def negated(self) -> Number:
        return Number(-self.value, None, self.percent)


def exact(value: float) -> int | float:
    """An integer where the value is one."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def read_digits(text: str, language: str) -> list[Number]:
    """The numbers written as `text`, usually one: "1,2,3" are three. Empty when it is not a quantity."""
    if len(text) > _LONGEST:
        return []
    commas, points = text.count(","), text.count(".")
    if not commas and not points:
        return _plain(text)
    if commas and points:
        return _mixed(text)
    mark = "," if commas else "."
    thousands = _THOUSANDS[mark].fullmatch(text) is not None
    if commas + points > 1:
        if thousands:
            return _plain(text.replace(mark, ""))
        return [number for piece in text.split(",") for number in _plain(piece)] if commas else []
    if thousands and mark == ("." if language == "es" else ","):
        return _plain(text.replace(mark, ""))
    numbers = _plain(text.replace(",", "."))
    if commas and numbers:
        left, _, right = text.partition(",")
        pair = _plain(left) + _plain(right)
        return [Number(numbers[0].value, (pair[0].value, pair[1].value))] if len(pair) == 2 else numbers
    return numbers


def _mixed(text: str) -> list[Number]:
    """Both marks: the last one is the decimal mark if the others group thousands, else a comma separates."""
    decimal = "," if text.rfind(",") > text.rfind(".") else "."
    grouping = "." if decimal == "," else ","
    whole, _, fraction = text.rpartition(decimal)
    if _THOUSANDS[grouping].fullmatch(whole):
        return _plain(whole.replace(grouping, "") + "." + fraction)
    return [number for piece in text.split(",") if piece.count(".") <= 1 for number in _plain(piece)]


def _plain(text: str) -> list[Number]:
    if text.isdigit():
        return [Number(int(text))]
    value = float(text)
    if value == float("inf"):
        return []
    return [Number(exact(value))] if "e" in text.lower() else [Number(int(value) if value.is_integer() else value)]


# --- words -----------------------------------------------------------------------------------------------


def _table(*rows: tuple[str, int, int]) -> dict[str, int]:
    return {word: first + step * place for words, first, step in rows for place, word in enumerate(words.split())}


_SMALL = _table(
    ("cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete"
     " dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco veintiseis veintisiete"
     " veintiocho veintinueve", 0, 1),
    ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
     " seventeen eighteen nineteen", 0, 1),
    ("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10),
    ("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10),
    ("ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos",
     100, 100),
    ("doscientas trescientas cuatrocientas quinientas seiscientas setecientas ochocientas novecientas", 200, 100),
    ("cien", 100, 0), ("veintiun", 21, 0),
)  # fmt: skip
_SCALES = {
    "mil": 1000, "thousand": 1000, "millon": 10**6, "millones": 10**6, "million": 10**6, "billion": 10**9,
}  # fmt: skip
_ENGLISH_TENS = frozenset(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
_SPANISH_TENS = frozenset(range(30, 100, 10))
_DECIMAL_MARKS = frozenset(("coma", "punto", "point"))
_ONE = frozenset(("un", "una"))

NUMBER_WORDS = frozenset(_SMALL) | frozenset(_SCALES) | {"hundred"}


def read_words(words: Sequence[str], start: int) -> tuple[Number | None, int]:
    """The number whose folded words begin at `start`, and the place after them; (None, start) if none does."""
    total = group = 0
    place, last = start, ""
    split: tuple[int | float, int | float] | None = None
    while place < len(words):
        word = words[place]
        following = words[place + 1] if place + 1 < len(words) else ""
        small = _SMALL.get(word)
        if small is None and word in _ONE and (following in _SCALES or last == "y"):
            small = 1
        if small is not None and _fits(small, group, last):
            group += small
        elif word == "hundred" and group < 10:
            group = (group or 1) * 100
        elif word in _SCALES and total % 1_000_000 == 0 and (total < _SCALES[word] or _SCALES[word] == 1000):
            total += (group or 1) * _SCALES[word]
            group = 0
        elif word in _SCALES and 0 < total < _SCALES[word]:  # "dos mil millones"
            total = (total + group) * _SCALES[word]
            group = 0
        elif last and _joins(word, following, total, group):
            split = (total + group, _SMALL.get(following, 1))
        else:
            break
        last = word
        place += 1
    if place == start:
        return None, start
    whole = total + group
    fraction, place = _read_fraction(words, place)
    if fraction:
        return Number(float(f"{whole}.{fraction}")), place
    return Number(whole, split), place


def _fits(small: int, group: int, last: str) -> bool:
    """Whether a small number can follow: units after tens, tens after hundreds."""
    if not group:
        return True
    if small >= 100 or group % 10 or (last == "hundred" and small >= 100):
        return False
    tens = group % 100
    if small >= 10:
        return tens == 0
    return tens == 0 or (small > 0 and (last in _ENGLISH_TENS or last == "y"))


def _joins(word: str, following: str, total: int, group: int) -> bool:
    """Whether "y"/"and" is part of the number: "treinta y cinco", "one hundred and five"."""
    unit = 1 if following in _ONE else _SMALL.get(following, 0)
    if word == "y":
        return 0 < unit < 10 and group % 100 in _SPANISH_TENS
    return word == "and" and 0 < unit < 100 and ((group % 100 == 0 and group > 0) or (group == 0 and total > 0))


def _read_fraction(words: Sequence[str], place: int) -> tuple[str, int]:
    if place >= len(words) or words[place] not in _DECIMAL_MARKS:
        return "", place
    digits, after = "", place + 1
    while after < len(words) and words[after] in _SMALL and len(digits) < 15:
        digits += str(_SMALL[words[after]])
        after += 1
    return (digits, after) if digits else ("", place)
