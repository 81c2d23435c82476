"""Other ways to write a sentence that mean the same: what people leave out, add and get wrong."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.offline_planner.corpus import Sentence

Draw = Callable[[st.SearchStrategy[Any]], Any]

BEFORE = {"es": ("", "por favor, ", "Hola, ", "oye, ", "¿", "a ver, "), "en": ("", "please ", "Hi, ", "hey, ", "ok, ")}
BEHIND = {
    "es": ("", ".", "  ", "!", "\n", ", por favor", " gracias"),
    "en": ("", ".", " ", "!", "\n", ", please", " thanks"),
}
_FREE = (
    '"',
    "'",
    "«",
    "`",
    ":",
    "memori",
    "remember",
    "recuerd",
    "apunta",
    "guarda",
    "save",
    "store",
    "web",
    "task",
    "tarea",
)


def vary(sentence: Sentence, draw: Draw) -> Sentence:
    """Returns the sentence with its last turn written otherwise. A text that it gives verbatim is left as it is."""
    said = sentence.turns[-1]
    gives_text = any(mark in said for mark in _FREE) or any(
        _is_text(value) for _, given in sentence.calls for value in given.values()
    )
    said = draw(st.sampled_from(BEFORE[sentence.language])) + said
    if not gives_text:
        said = said + draw(st.sampled_from(BEHIND[sentence.language]))
        said = draw(st.sampled_from((str, str.upper, str.capitalize, _without_accents, _wide)))(said)
    elif draw(st.booleans()):
        said = f"  {said}"
    return replace(sentence, turns=(*sentence.turns[:-1], said))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not value.lower().isdigit()


def _without_accents(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not 0x300 <= ord(sign) < 0x370)


def _wide(text: str) -> str:
    """Twice the blanks between words that have no digit beside them."""
    words = text.split(" ")
    pairs = zip(words, [*words[1:], ""], strict=True)
    return "".join(
        one + ("" if not two else " " if one[-1:].isdigit() or two[:1].isdigit() else "  ") for one, two in pairs
    )
