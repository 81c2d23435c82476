"""What a call cost, in USD; an unknown price is None, never zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

CostSource = Literal["reported", "computed", "estimated", "unknown"]


class Cost(msgspec.Struct, frozen=True):
    """`usd` is None when unknown; `items` name its parts, which sum to it."""

    usd: Decimal | None
    source: CostSource
    items: dict[str, Decimal] = {}


UNKNOWN = Cost(None, "unknown")
