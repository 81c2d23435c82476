"""Token counts as providers tell them, for all dialects.

A provider's figures reach counters, bills and clients, and no answer depends on them. So they are read as they come,
whatever their types, and judged here: a figure that cannot be (negative, beyond any context, no whole number) is not
repaired but counts as missing, and what it was for is estimated.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from llm_gateway.types import Usage

MOST_TOKENS = 500_000_000
"""Far more than any context or batch of texts holds."""
_MOST_USD = 100_000
_NONE: dict[str, Any] = {}


class _Incredible(Exception):
    """A figure that cannot be."""


def fields(told: Any, name: str | None = None) -> dict[str, Any]:
    """The fields of a usage object, or of the object `name` in it; none where it is no object."""
    if name is not None and type(told) is dict:
        told = told.get(name)
    return told if type(told) is dict else _NONE


def usage_from(
    *, prompt: tuple[Any, ...], completion: tuple[Any, ...] = (), cost: Any = None, estimated: bool = False,
    modifiers: tuple[str, ...] = (), **details: Any,
) -> Usage | None:  # fmt: skip
    """Usage from figures as they came; None where the prompt's is missing, or one of the sums cannot be.

    `prompt` and `completion` are summands; the first of the prompt's must be there. `details` are further counts by
    their names in `Usage`: one that cannot be is left out, and the usage is then an estimate. `cost` is in USD.
    """
    if prompt[0] is None:
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
    """A count, 0 where none was told. Some servers write whole numbers as `3.0`."""
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
