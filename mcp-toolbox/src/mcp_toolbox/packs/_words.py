"""Words from a model, made fit to be stored and compared."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator


def line(text: str) -> str:
    """`text` as one line in Unicode's composed form, without spaces around it.

    Raises:
        ValueError: it is empty, or holds control characters or half a surrogate pair.
    """
    composed = " ".join(unicodedata.normalize("NFC", text).split())
    if not composed:
        raise ValueError("must not be empty")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in composed):
        raise ValueError("must not contain control characters or invalid Unicode")
    return composed


Line = Annotated[str, AfterValidator(line)]


def folded(text: str) -> str:
    """What two spellings of one name share: "  PEÑA Gómez" and "pena gomez" fold to the same."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(character for character in plain if not unicodedata.combining(character)).split())
