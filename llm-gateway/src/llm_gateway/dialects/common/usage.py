"""Reads a provider's token counts, for all dialects.

Counts reach metrics, bills and clients, but no answer depends on them. So they are accepted with any type and checked
here: an impossible count (negative, beyond any context, not a whole number) is not repaired but treated as missing, and
the usage is estimated.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from llm_gateway.canonical import Usage

MOST_TOKENS = 500_000_000
"""More tokens than any context or batch of texts holds."""
_MOST_USD = 100_000
_NONE: dict[str, Any] = {}


class _Incredible(Exception):
    """A count is impossible."""


def fields(told: Any, name: str | None = None) -> dict[str, Any]:
    """Returns the fields of a usage object, or of the object `name` in it; an empty dict if it is not an object."""
    if name is not None and type(told) is dict:
        told = told.get(name)
    return told if type(told) is dict else _NONE


def usage_from(
    *, prompt: tuple[Any, ...], completion: tuple[Any, ...] = (), cost: Any = None, estimated: bool = False,
    modifiers: tuple[str, ...] = (), **details: Any,
) -> Usage | None:  # fmt: skip
    """Returns usage from a provider's counts, or None if the prompt's count or the only one of the completion is
    missing (unless the counts are not final), or a sum is impossible.

    `prompt` and `completion` are summands; the first one of the prompt is required. `details` are further counts by
    their names in `Usage`; an impossible one is left out, and the usage is marked as estimated. `cost` is in USD.
    """
    if prompt[0] is None or (completion == (None,) and not estimated):
        return None
    try:
        prompt_tokens, completion_tokens = _sum(prompt), _sum(completion)
    except _Incredible:
        return None
    counts: dict[str, int] = {}
    for name, told in details.items():
        if told is None:
            continue
        try:
            if count := _count(told):
                counts[name] = count
        except _Incredible:
            estimated = True
    if counts and counts.get("cached_tokens", 0) + counts.get("cache_write_tokens", 0) > prompt_tokens:
        counts |= {"cached_tokens": 0, "cache_write_tokens": 0}
        estimated = True
    for name, most in (("audio_prompt_tokens", prompt_tokens), ("audio_completion_tokens", completion_tokens)):
        if counts.get(name, 0) > most:
            counts[name] = 0
            estimated = True
    return Usage(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=_usd(cost),
        estimated=estimated,
        modifiers=modifiers,
        **counts,
    )


def _sum(told: tuple[Any, ...]) -> int:
    total = 0
    for one in told:
        total += _count(one)
    if total > MOST_TOKENS:
        raise _Incredible
    return total


def _count(told: Any) -> int:
    """Returns a count, 0 for None. Some servers write whole numbers as `3.0`."""
    if type(told) is int and 0 <= told <= MOST_TOKENS:
        return told
    if told is None:
        return 0
    if type(told) is float and told.is_integer():
        told = int(told)
    if type(told) is not int or not 0 <= told <= MOST_TOKENS:
        raise _Incredible
    return told


def _usd(told: Any) -> Decimal | None:
    if told is None or type(told) not in (int, float) or not math.isfinite(told) or not 0 <= told <= _MOST_USD:
        return None
    return Decimal(repr(told))
