"""The choice between the suite's two languages for a reader."""

from __future__ import annotations

from typing import Literal, get_args

Language = Literal["es", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def choose(accept_language: str | None, default: Language) -> Language:
    """Returns Spanish or English, whichever an `Accept-Language` header prefers (RFC 9110 §12.5.4), else `default`."""
    if not accept_language:
        return default
    best, best_quality = default, 0.0
    for item in accept_language.split(",")[:16]:
        tag, _, parameters = item.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        quality = _quality(parameters)
        if quality > best_quality:
            if language == "es":
                best, best_quality = "es", quality
            elif language == "en":
                best, best_quality = "en", quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
