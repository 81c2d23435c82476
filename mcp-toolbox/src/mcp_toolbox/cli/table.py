"""Tables of text for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_GAP = "  "
_NARROWEST_LAST = 20


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, *, color: bool = False) -> str:
    """Returns a table. All columns but the last are as wide as their longest cell, at most a third of `width`, and
    leave the last one its place; longer cells, and the last column, go on in the next line. Without a `width` nothing
    is broken."""
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = _widths(cells, width)
    lines: list[str] = []
    for number, row in enumerate(cells):
        broken = [_broken(cell, limit) for cell, limit in zip(row, widths, strict=True)]
        for at in range(max(map(len, broken))):
            parts = [cell[at] if at < len(cell) else "" for cell in broken]
            padded = [_padded(part, limit or 0) for part, limit in zip(parts[:-1], widths[:-1], strict=True)]
            line = _GAP.join([*padded, parts[-1]]).rstrip()
            lines.append(f"\x1b[1m{line}\x1b[0m" if color and number == 0 else line)
    return "\n".join(lines)


def printable(text: str) -> str:
    """Returns `text` on one line, without what would move a terminal's cursor or change its colors."""
    one_line = " ".join(text.split())
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in one_line)


def columns(text: str) -> int:
    """Returns how many columns of a terminal `text` takes."""
    return sum(_columns_of(char) for char in text)


def _columns_of(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _widths(cells: Sequence[Sequence[str]], width: int | None) -> list[int | None]:
    longest = [max(columns(row[number]) for row in cells) for number in range(len(cells[0]))]
    if width is None:
        return [*longest[:-1], None]
    gaps = len(_GAP) * (len(longest) - 1)
    most = min(width // 3, (width - gaps - _NARROWEST_LAST) // max(len(longest) - 1, 1))
    first: list[int] = [min(each, max(most, 8)) for each in longest[:-1]]
    rest = width - sum(first) - gaps
    return [*first, max(rest, _NARROWEST_LAST)]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _broken(text: str, width: int | None) -> list[str]:
    """Returns `text` in lines of at most `width` columns, broken between words where that is possible."""
    if width is None or columns(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        for piece in _pieces(word, width):
            joined = f"{lines[-1]} {piece}" if lines[-1] else piece
            if columns(joined) <= width:
                lines[-1] = joined
            else:
                lines.append(piece)
    return lines


def _pieces(word: str, width: int) -> list[str]:
    pieces, used = [""], 0
    for char in word:
        if used + _columns_of(char) > width:
            pieces.append("")
            used = 0
        pieces[-1] += char
        used += _columns_of(char)
    return pieces
