"""How much a model should think: as a word, and as a number of tokens, for providers that take only one of them.

The shares are those of OpenRouter, which stands before both kinds.
Source: https://openrouter.ai/docs/use-cases/reasoning-tokens
"""

from __future__ import annotations

from llm_gateway.errors import InvalidRequest

LEAST_BUDGET = 1024
"""Fewer tokens are refused by those who take a budget."""

_MOST_BUDGET = 128_000
_USUAL_MAX_TOKENS = 32_000
_SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95}
_LOW_UP_TO = 4_096
_MEDIUM_UP_TO = 16_384


def effort_of(budget: int) -> str:
    """The word for a budget in tokens: `none`, `low`, `medium` or `high`, which every reasoning model knows."""
    if budget <= 0:
        return "none"
    if budget <= _LOW_UP_TO:
        return "low"
    return "medium" if budget <= _MEDIUM_UP_TO else "high"


def budget_of(effort: str, max_tokens: int | None) -> int:
    """The tokens for a word, as a share of the longest answer; 0 for `none`, else at least `LEAST_BUDGET`.

    A small `max_tokens` may thus be less than the budget; a provider that counts the one within the other has to
    be given more.

    Raises:
        InvalidRequest: nobody knows that word.
    """
    if effort == "none":
        return 0
    share = _SHARES.get(effort)
    if share is None:
        known = ", ".join(("none", *_SHARES))
        raise InvalidRequest(f"reasoning_effort: must be one of {known}", param="reasoning_effort")
    return max(LEAST_BUDGET, min(int((max_tokens or _USUAL_MAX_TOKENS) * share), _MOST_BUDGET))
