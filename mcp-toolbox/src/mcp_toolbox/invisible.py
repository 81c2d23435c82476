"""Characters that a person does not see although a program, or a model, reads them."""

from __future__ import annotations

import unicodedata

_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_IGNORABLE = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164),
        (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)  # fmt: skip
"""Letters and marks without a shape: Unicode's Default_Ignorable_Code_Point, and the empty Braille pattern. The
variation selectors of emoji are not among them. Source:
https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt"""

VARIATIONS = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""They change the character before them, if it has variants."""


def is_invisible(character: str) -> bool:
    """Returns whether the character is a control, changes the direction of writing, has no width or no shape, or is for
    private use."""
    return unicodedata.category(character) in _CATEGORIES or character in _IGNORABLE
