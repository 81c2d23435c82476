"""Converts between an effort and a budget of thinking tokens, for providers that take only one of them.

The shares are those of OpenRouter, which converts in the same way.
Source: https://openrouter.ai/docs/use-cases/reasoning-tokens
"""

from __future__ import annotations

from llm_gateway.errors import InvalidRequest

LEAST_BUDGET = 1024
"""The smallest budget that providers accept."""

_MOST_BUDGET = 128_000
_USUAL_MAX_TOKENS = 32_000
_SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95}
_LOW_UP_TO = 4_096
_MEDIUM_UP_TO = 16_384


def effort_of(budget: int) -> str:
    """Returns the effort for a budget in tokens: `none`, `low`, `medium` or `high`, which every reasoning model
    knows."""
    if budget <= 0:
        return "none"
    if budget <= _LOW_UP_TO:
        return "low"
    return "medium" if budget <= _MEDIUM_UP_TO else "high"


def budget_of(effort: str, max_tokens: int | None) -> int:
    """Returns the budget for an effort, a share of the longest answer: 0 for `none`, else at least `LEAST_BUDGET`.

    It may exceed a small `max_tokens`; where the budget is part of that, the caller must raise it.

    Raises:
        InvalidRequest: the effort is unknown.
    """
    if effort == "none":
        return 0
    share = _SHARES.get(effort)
    if share is None:
        known = ", ".join(("none", *_SHARES))
        raise InvalidRequest(f"reasoning_effort: must be one of {known}", param="reasoning_effort")
    return max(LEAST_BUDGET, min(int((max_tokens or _USUAL_MAX_TOKENS) * share), _MOST_BUDGET))
