"""The parts of an answer that broke off and was continued: what each used, and what they cost together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from llm_gateway.canonical import Request, Usage
from llm_gateway.canonical.cost import Cost
from llm_gateway.canonical.estimate import estimated_usage
from llm_gateway.catalog.models import Model
from llm_gateway.catalog.pricing import cost

_COUNTS = tuple(name for name, default in msgspec.structs.asdict(Usage()).items() if type(default) is int)
"""The fields of a usage that are counts of tokens."""


class Segment(msgspec.Struct, frozen=True):
    """What a model said before it broke off: so many characters."""

    model: Model
    usage: Usage
    characters: int


def broken_segment(model: Model, request: Request, reported: Usage | None, characters: int) -> Segment:
    """Returns a part whose usage the provider reported incompletely, or not at all."""
    guessed = estimated_usage(request, characters)
    known = reported or guessed
    usage = msgspec.structs.replace(
        known,
        completion_tokens=max(known.completion_tokens, guessed.completion_tokens),
        cost_usd=None,
        estimated=True,
    )
    return Segment(model, usage, characters)


def sum_usage(usage: Usage, spent: Cost, broken: Sequence[Segment]) -> tuple[Usage, Cost]:
    """Returns the last part's usage and cost, and those of the parts before it. A sum with an unknown
    part is unknown."""
    usages = [*(part.usage for part in broken), usage]
    counts = {name: sum(getattr(one, name) for one in usages) for name in _COUNTS}
    costs = [*(cost(part.usage, part.model.rates) for part in broken), spent]
    items: dict[str, Decimal] = {}
    total: Decimal | None = Decimal(0)
    for one in costs:
        total = None if total is None or one.usd is None else total + one.usd
        for name, usd in one.items.items():
            items[name] = items.get(name, Decimal(0)) + usd
    known = Cost(total, "estimated", items) if total is not None else Cost(None, "unknown")
    return msgspec.structs.replace(Usage(estimated=True), **counts), known
