"""Text from a model, prepared for storage and comparison."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator


def line(text: str) -> str:
    """Returns `text` as one line in Unicode's composed form, without surrounding spaces.

    Raises:
        ValueError: it is empty, or contains control characters or half a surrogate pair.
    """
    composed = " ".join(unicodedata.normalize("NFC", text).split())
    if not composed:
        raise ValueError("must not be empty")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in composed):
        raise ValueError("must not contain control characters or invalid Unicode")
    return composed


Line = Annotated[str, AfterValidator(line)]


def folded(text: str) -> str:
    """Returns a key that is equal for different spellings of one name: "  PEÑA Gómez" and "pena gomez" have the
    same."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(character for character in plain if not unicodedata.combining(character)).split())
