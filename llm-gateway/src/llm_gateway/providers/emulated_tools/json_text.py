"""JSON text that arrives in pieces: where a value ends, and what a string says."""

from __future__ import annotations

import re

_STRUCTURE = re.compile(r'["{}\[\]]')
_STRING = re.compile(r'["\\]')
_SCALAR_END = re.compile(r"[\s,}\]]")
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_REPLACEMENT = "\ufffd"


class ValueEnd:
    """Finds the end of one JSON value, of which `feed` gets the pieces in order, from its first character on."""

    __slots__ = ("_depth", "_escaped", "_in_string", "_scalar")

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._scalar: bool | None = None

    def feed(self, piece: str) -> int | None:
        """Returns how much of `piece` belongs to the value, once that is at its end."""
        if not piece:
            return None
        if self._scalar is None:
            self._scalar = piece[0] not in '"{['
        if self._scalar:
            end = _SCALAR_END.search(piece)
            return end.start() if end else None
        place = 0
        while place < len(piece):
            place = self._string(piece, place) if self._in_string else self._structure(piece, place)
            if not self._in_string and self._depth == 0 and place:
                return place
        return None

    def _structure(self, piece: str, place: int) -> int:
        found = _STRUCTURE.search(piece, place)
        if found is None:
            return len(piece)
        character = found[0]
        if character == '"':
            self._in_string = True
        else:
            self._depth += 1 if character in "{[" else -1
        return found.end()

    def _string(self, piece: str, place: int) -> int:
        if self._escaped:
            self._escaped = False
            return place + 1
        found = _STRING.search(piece, place)
        if found is None:
            return len(piece)
        if found[0] == '"':
            self._in_string = False
        else:
            self._escaped = True
        return found.end()


class StringText:
    """What a JSON string says, of which `feed` gets the pieces in order, from after its first quote on.

    It is lenient where that is safe: a bare control character stands for itself, half of a surrogate pair becomes
    U+FFFD, an unknown escape stays as it is written.
    """

    __slots__ = ("_pending", "ended")

    def __init__(self) -> None:
        self._pending = ""
        self.ended = False

    def feed(self, piece: str) -> str:
        """Returns the text that is known now; what comes after the closing quote is not looked at."""
        if self.ended:
            return ""
        text, self._pending = self._pending + piece, ""
        said: list[str] = []
        place = 0
        while place < len(text):
            found = _STRING.search(text, place)
            if found is None:
                said.append(text[place:])
                break
            said.append(text[place : found.start()])
            if found[0] == '"':
                self.ended = True
                break
            escape = _escape(text, found.start())
            if escape is None:
                self._pending = text[found.start() :]
                break
            meant, place = escape
            said.append(meant)
        return "".join(said)


def _escape(text: str, place: int) -> tuple[str, int] | None:
    """Returns what the escape at `place` means and where it ends; None when it is not all there yet."""
    if place + 1 == len(text):
        return None
    letter = text[place + 1]
    if letter != "u":
        return _ESCAPES.get(letter, text[place : place + 2]), place + 2
    digits = text[place + 2 : place + 6]
    if len(digits) < 4:
        return None
    if not _HEX.fullmatch(digits):
        return "\\u", place + 2
    code, end = int(digits, 16), place + 6
    if 0xDC00 <= code < 0xE000:
        return _REPLACEMENT, end
    if not 0xD800 <= code < 0xDC00:
        return chr(code), end
    return _pair(text, code, end)


def _pair(text: str, high: int, end: int) -> tuple[str, int] | None:
    """Returns the character of which `high` is the first half, whose other half should stand at `end`."""
    second = text[end : end + 6]
    if not second or ("\\u".startswith(second[:2]) and len(second) < 6):
        return None
    if second[:2] == "\\u" and _HEX.fullmatch(second[2:]) and 0xDC00 <= (low := int(second[2:], 16)) < 0xE000:
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), end + 6
    return _REPLACEMENT, end
