"""What the point and the comma mean in the digits of one request, and what the digits are worth."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from .lexer import Token

_LONGEST = 300
"""Past this many characters a run of digits is an identifier, not a quantity."""


class Unclear(Exception):
    """A number whose reading is open. `text` is what is written; `values` are its readings, if it has any."""

    def __init__(self, text: str, values: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


class Marks:
    """What the point and the comma mean in one request: "decimal", "group" or, where nothing tells, None."""

    def __init__(self, tokens: Sequence[Token], language: str | None) -> None:
        seen: dict[str, set[str]] = {".": set(), ",": set()}
        for token in tokens:
            if token.kind == "number":
                _evidence(token.text.removesuffix("k"), seen)
        usual = {"es": {".": "group", ",": "decimal"}, "en": {".": "decimal", ",": "group"}}.get(language or "", {})
        self._told = {mark: _told(mark, seen) or ("" if seen[mark] else usual.get(mark, "")) for mark in seen}
        self._english = language == "en"

    def value(self, text: str) -> Decimal:
        """Returns what digits mean.

        Raises:
            Unclear: it has more than one reading, or none.
        """
        if len(text) > _LONGEST:
            raise Unclear(text[:24] + "…")
        if text.endswith("k"):
            return self.value(text[:-1]) * 1000
        bare = _without_blanks(text)
        if bare is None:
            raise Unclear(text)
        points, commas = bare.count("."), bare.count(",")
        if points and commas:
            return _mixed(bare, text)
        mark = "." if points else ","
        pieces = bare.split(mark)
        if len(pieces) == 1:
            return _plain(bare, text)
        if len(pieces) > 2:
            if not _grouped(pieces):
                raise Unclear(text)
            return _plain("".join(pieces), text)
        return self._lone(mark, pieces, text)

    def _lone(self, mark: str, pieces: list[str], text: str) -> Decimal:
        as_decimal = _plain(".".join(pieces), text)
        if _grouped(pieces):
            as_group = _plain("".join(pieces), text)
            told = self._told[mark]
            if not told or (told == "decimal" and pieces[1] == "000"):
                raise Unclear(text, (f"{as_group:f}", f"{as_decimal:f}"))
            return as_decimal if told == "decimal" else as_group
        if mark == "," and self._english and pieces[0]:
            raise Unclear(text, (f"{as_decimal:f}", f"{pieces[0]}, {pieces[1]}"))
        return as_decimal

    def is_settled(self, text: str) -> bool:
        """Whether digits have another reading elsewhere, so that the answer says which it is."""
        pieces = text.replace(",", ".").split(".")
        return len(pieces) == 2 and _grouped(pieces)


def _evidence(text: str, seen: dict[str, set[str]]) -> None:
    points, commas = text.count("."), text.count(",")
    if points and commas:
        last = "." if text.rfind(".") > text.rfind(",") else ","
        seen[last].add("decimal")
        seen["," if last == "." else "."].add("group")
        return
    for mark, count in ((".", points), (",", commas)):
        pieces = text.split(mark)
        if count > 1 and _grouped(pieces):
            seen[mark].add("group")
        elif count == 1 and not _grouped(pieces):
            seen[mark].add("decimal")


def _told(mark: str, seen: dict[str, set[str]]) -> str:
    """Returns what the other numbers say of a mark; "" when they say nothing or contradict one another."""
    other = "," if mark == "." else "."
    said = seen[mark] | {"group" if role == "decimal" else "decimal" for role in seen[other]}
    return said.pop() if len(said) == 1 else ""


def _grouped(pieces: Sequence[str]) -> bool:
    first = pieces[0]
    return 1 <= len(first) <= 3 and first[0] != "0" and all(len(piece) == 3 and piece.isdigit() for piece in pieces[1:])


def _without_blanks(text: str) -> str | None:
    """Returns the digits without grouping blanks and apostrophes, None where these do not group by three."""
    if not any(mark in text for mark in "'_\u00a0"):
        return text
    whole, fraction = text, ""
    for mark in ".,":
        if text.count(mark) == 1 and text.rfind(mark) > max(text.rfind("'"), text.rfind("_"), text.rfind("\u00a0")):
            whole, _, fraction = text.partition(mark)
            fraction = "." + fraction
    pieces = whole.replace("_", "'").replace("\u00a0", "'").split("'")
    return "".join(pieces) + fraction if _grouped(pieces) else None


def _mixed(bare: str, text: str) -> Decimal:
    """Both marks: the last one is the decimal mark if the other groups by three before it."""
    decimal = "." if bare.rfind(".") > bare.rfind(",") else ","
    whole, _, fraction = bare.rpartition(decimal)
    pieces = whole.split("," if decimal == "." else ".")
    if decimal in whole or not _grouped(pieces):
        raise Unclear(text)
    return _plain("".join(pieces) + "." + fraction, text)


def _plain(written: str, text: str) -> Decimal:
    try:
        value = Decimal(written or "x")
    except InvalidOperation:
        raise Unclear(text) from None
    if not value.is_finite() or abs(value.adjusted()) > 320:
        raise Unclear(text)
    return value
