"""The one reader of numbers: digits, words, and mixtures of both.

How a lone mark with three digits behind it is read ("1.234", "1,234") is said by `marks.Marks`. Ordinals are no
numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from .lexer import Token
from .marks import Marks, Unclear


class Number(msgspec.Struct, frozen=True, gc=False):
    """A quantity, exact; `after` is the place behind it."""

    value: Decimal
    after: int


def _table(*rows: tuple[str, int, int]) -> dict[str, int]:
    return {word: first + step * place for words, first, step in rows for place, word in enumerate(words.split())}


_UNITS = _table(
    ("cero uno dos tres cuatro cinco seis siete ocho nueve", 0, 1),
    ("zero one two three four five six seven eight nine", 0, 1), ("un una", 1, 0),
)  # fmt: skip
_TEENS = _table(
    ("diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve veinte veintiuno veintidos"
     " veintitres veinticuatro veinticinco veintiseis veintisiete veintiocho veintinueve", 10, 1),
    ("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 10, 1),
    ("veintiun veintiuna", 21, 0),
)  # fmt: skip
_TENS_ES = _table(("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10))
_TENS_EN = _table(("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10), ("fourty", 40, 0))
_HUNDREDS = _table(
    ("ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos",
     100, 100),
    ("doscientas trescientas cuatrocientas quinientas seiscientas setecientas ochocientas novecientas",
     200, 100),
)  # fmt: skip
_SCALES = {
    "mil": 10**3, "miles": 0, "thousand": 10**3, "thousands": 0, "millon": 10**6, "millones": 10**6, "million": 10**6,
    "billion": 10**9, "billon": 10**12, "billones": 10**12, "trillion": 10**12, "trillon": 10**18, "trillones": 10**18,
    "millardo": 10**9, "millardos": 10**9,
}  # fmt: skip
_DOZENS = {"docena": 12, "docenas": 12, "dozen": 12, "dozens": 0, "par": 2, "pares": 2, "couple": 2, "centenar": 100,
           "centenares": 100, "millar": 1000, "millares": 1000, "decena": 10, "decenas": 10}  # fmt: skip
_HALVES = frozenset(("medio", "media", "half"))
_ARTICLES = frozenset(("un", "una", "a", "an"))
_DECIMAL_MARKS = frozenset(("coma", "punto", "point"))
NUMBER_WORDS = frozenset(
    set(_UNITS) | set(_TEENS) | set(_TENS_ES) | set(_TENS_EN) | set(_HUNDREDS) | set(_SCALES) | set(_DOZENS)
    | {"cien", "hundred", "medio", "media", "half", "tercio", "tercios", "third", "cuarto", "cuartos", "quarter",
       "quarters"}
) - {"un", "una"}  # fmt: skip


class Reader:
    """Reads numbers in one request's tokens."""

    def __init__(self, tokens: Sequence[Token], marks: Marks) -> None:
        self._tokens = tokens
        self._marks = marks

    def read(self, place: int) -> Number | None:
        """Returns the number that begins at `place`, without a sign, or None.

        Raises:
            Unclear: there is one, with more than one reading or none.
        """
        whole = self._whole(place)
        if whole is None:
            return None
        whole = self._fraction(whole, place)
        return self._and_a_half(whole)

    def _word(self, place: int) -> str:
        token = self._tokens[place] if place < len(self._tokens) else None
        return token.folded if token is not None and token.kind == "word" else ""

    def _digits(self, place: int) -> Number | None:
        """Digits, with groups of three behind plain blanks: "1 234,5"."""
        if place >= len(self._tokens) or self._tokens[place].kind != "number":
            return None
        text, after = self._tokens[place].text, place + 1
        while after < len(self._tokens) and self._is_group(text, after):
            text += "'" + self._tokens[after].text
            after += 1
        return Number(self._marks.value(text), after)

    def _is_group(self, text: str, place: int) -> bool:
        token, before = self._tokens[place], self._tokens[place - 1]
        group = token.text.replace(",", ".").split(".")
        plain = text.replace("'", "").isdigit() and len(text.split("'")[0]) <= 3 and text[0] != "0"
        return (
            token.kind == "number" and plain and token.start == before.end + 1 and len(group[0]) == 3 and len(group) < 3
        )

    def _whole(self, place: int) -> Number | None:
        total, after, seen = Decimal(0), place, False
        limit = None
        while True:
            group = self._half(after) or self._group(after, seen)
            scale_word = self._word(group.after if group else after)
            scale = _SCALES.get(scale_word)
            if scale == 0:
                raise Unclear(scale_word)
            if scale is None or (group is None and (scale_word != "mil" or (seen and limit == 1000))):
                if group is not None and (limit is None or group.value < limit):
                    # What follows a scale in words is lower than it: "tres mil doscientos".
                    return Number(total + group.value, group.after)
                return Number(total, after) if seen else None
            value = (group.value if group else Decimal(1)) * scale
            after = (group.after if group else after) + 1
            while _SCALES.get(self._word(after), 0) > 1:  # "mil millones"
                value *= _SCALES[self._word(after)]
                after += 1
            if limit is not None and value >= limit:
                raise Unclear(scale_word)
            total, seen, limit = total + value, True, scale
            if self._word(after) == "and" and self._small(after + 1) is not None:  # "two thousand and five"
                tail = self._small(after + 1)
                if tail is not None and self._word(tail.after) not in _SCALES and tail.value < 100:
                    return Number(total + tail.value, tail.after)

    def _half(self, place: int) -> Number | None:
        """Half before a scale or a dozen: "medio millón", "half a million", "media docena"."""
        word = self._word(place)
        if word not in _HALVES and not (word in _ARTICLES and self._word(place + 1) in _HALVES):
            return None
        after = place + 1 + (word not in _HALVES)
        if word == "half" and self._word(after) in _ARTICLES:
            after += 1
        if _SCALES.get(self._word(after), 0):
            return Number(Decimal("0.5"), after)
        if self._word(after) in _DOZENS:
            return self._dozen(Number(Decimal("0.5"), after))
        return None

    def _group(self, place: int, seen: bool) -> Number | None:
        """A number below a thousand in words, or digits; or dozens."""
        digits = self._digits(place)
        found = digits or self._small(place) or self._article(place)
        if digits is not None and self._word(digits.after) == "hundred":
            return Number(digits.value * 100, digits.after + 1)
        if found is not None and self._word(found.after) in _DOZENS:
            return self._dozen(found)
        if found is None or (digits is not None and seen and digits.value >= 1000):
            return None
        return found

    def _dozen(self, count: Number) -> Number:
        word = self._word(count.after)
        if not _DOZENS[word]:
            raise Unclear(word)
        after = count.after + 1
        if self._word(after) in ("of", "de") and (self.starts_number(after + 1)):
            raise Unclear(word)
        return Number(count.value * _DOZENS[word], after)

    def starts_number(self, place: int) -> bool:
        """Whether a number begins at a place, or a word that only numbers have."""
        is_digits = place < len(self._tokens) and self._tokens[place].kind == "number"
        return is_digits or self._word(place) in NUMBER_WORDS

    def _article(self, place: int) -> Number | None:
        """An article counts only before a scale or a dozen: "un millón", "a hundred", "a couple"."""
        if self._word(place) not in _ARTICLES:
            return None
        following = self._word(place + 1)
        if following == "hundred":
            return self._small(place + 1)
        if _SCALES.get(following, 0) or following in _DOZENS:
            return Number(Decimal(1), place + 1)
        return None

    def _small(self, place: int) -> Number | None:
        """A number from 0 to 999 in words of one language."""
        word = self._word(place)
        if word == "cien":
            return Number(Decimal(100), place + 1)
        if word in _HUNDREDS:
            return self._with_tens(_HUNDREDS[word], place + 1)
        if word == "hundred":
            return self._hundred(1, place + 1)
        tens = self._tens(place)
        if tens is not None and tens.value < 20 and self._word(tens.after) == "hundred" and word not in _ARTICLES:
            return self._hundred(int(tens.value), tens.after + 1)
        return tens

    def _hundred(self, count: int, place: int) -> Number:
        after = place + (self._word(place) == "and" and self._tens(place + 1) is not None)
        return self._with_tens(100 * count, after)

    def _with_tens(self, hundreds: int, place: int) -> Number:
        tens = self._tens(place)
        return Number(hundreds + tens.value, tens.after) if tens and tens.value else Number(Decimal(hundreds), place)

    def _tens(self, place: int) -> Number | None:
        word = self._word(place)
        if "-" in word:
            first, _, second = word.partition("-")
            if first in _TENS_EN and 0 < _UNITS.get(second, 0) < 10:
                return Number(Decimal(_TENS_EN[first] + _UNITS[second]), place + 1)
        if word in _TEENS:
            return Number(Decimal(_TEENS[word]), place + 1)
        if word in _TENS_ES:
            joined = self._word(place + 1) == "y" and 0 < _UNITS.get(self._word(place + 2), 0) < 10
            unit = _UNITS[self._word(place + 2)] if joined else 0
            return Number(Decimal(_TENS_ES[word] + unit), place + 1 + 2 * bool(unit))
        if word in _TENS_EN:
            unit = _UNITS.get(self._word(place + 1), 0)
            return Number(Decimal(_TENS_EN[word] + unit), place + 1 + bool(unit))
        if word in _UNITS and word not in ("un", "una"):
            return Number(Decimal(_UNITS[word]), place + 1)
        following = self._word(place + 1)
        return Number(Decimal(1), place + 1) if word in ("un", "una") and following in _SCALES else None

    def _fraction(self, number: Number, start: int) -> Number:
        """Decimals in words: "dos coma cinco", "two point five"."""
        if self._word(number.after) not in _DECIMAL_MARKS or self._tokens[start].kind == "number":
            return number
        if number.value != number.value.to_integral_value():
            return number
        digits, after = "", number.after + 1
        while self._word(after) in _UNITS and len(digits) < 15:
            digits += str(_UNITS[self._word(after)])
            after += 1
        if not digits:
            tens = self._small(after)
            if tens is None:
                return number
            digits, after = str(tens.value), tens.after
        elif self._word(after) in _TEENS or self._word(after) in _TENS_ES or self._word(after) in _TENS_EN:
            raise Unclear(self._word(after))
        value = Decimal(f"{int(number.value)}.{digits}")
        scale = _SCALES.get(self._word(after), 0)
        return Number(value * scale, after + 1) if scale else Number(value, after)

    def _and_a_half(self, number: Number) -> Number:
        """A half behind: "tres y medio", "un millón y medio", "three and a half", "two and a half million"."""
        place, half = number.after, Decimal("0.5")
        if self._word(place) not in ("y", "and"):
            return number
        after = place + 1 + (self._word(place + 1) in _ARTICLES)
        half_word, following = self._word(after), self._word(after + 1)
        if half_word not in _HALVES or following in _ARTICLES or following in ("docena", "millon", "de", "of"):
            return number  # "dos y media docena" are two numbers
        if following in _DOZENS or (half_word == "half" and after == place + 1):
            raise Unclear(f"{self._word(place)} {half_word} {following}".rstrip())
        scale = _SCALES.get(self._word(after + 1), 0)
        if scale:
            return Number((number.value + half) * scale, after + 2)
        last = self._word(place - 1)
        unit = _SCALES.get(last, 0) or _DOZENS.get(last, 0) or 1
        return Number(number.value + half * unit, after + 1)
