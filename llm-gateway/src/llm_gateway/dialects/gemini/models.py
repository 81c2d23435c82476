"""What differs between Gemini's generations: how to ask for thinking, and whether calls must be signed.

Sources: https://ai.google.dev/gemini-api/docs/thinking, https://ai.google.dev/gemini-api/docs/thought-signatures
and https://ai.google.dev/gemini-api/docs/openai#thinking (what an effort is in tokens).
"""

from __future__ import annotations

import re
from typing import Any

from llm_gateway.canonical import Request
from llm_gateway.dialects.common.reasoning_effort import effort_of
from llm_gateway.errors import InvalidRequest

_OLD = re.compile(r"gemini-([12])(?!\d)(?:[.-](\d+))?")
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576}
_LEVELS = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH"}
_LEAST_PRO_BUDGET = 128


def is_modern(model_id: str) -> bool:
    """Whether a model is a Gemini of the third generation or later; names without a known older version are."""
    return model_id.startswith("gemini-") and _OLD.match(model_id) is None


def fetches_urls(model_id: str) -> bool:
    """Whether a model reads images from public URLs, which those before 2.5 do not."""
    old = _OLD.match(model_id)
    return old is None or (old[1] == "2" and int(old[2] or 0) >= 5)


def thinking_config(request: Request, model_id: str) -> dict[str, Any] | None:
    """Returns the `thinkingConfig` for a request, or None if it does not ask for any.

    The third generation takes a level, earlier ones a budget in tokens. Pro models cannot turn thinking off: they get
    the least possible. Summaries of the thoughts are requested too.

    Raises:
        InvalidRequest: the effort is unknown.
    """
    effort, budget = request.reasoning_effort, request.reasoning_budget
    if effort is None and budget is None:
        return None
    if effort is not None and effort not in _BUDGETS:
        raise InvalidRequest(f"reasoning_effort: must be one of {', '.join(_BUDGETS)}", param="reasoning_effort")
    if is_modern(model_id):
        word = effort_of(budget) if budget is not None else effort or "none"
        level = _LEVELS[word]
        thinks = word != "none"
        return _with_thoughts({"thinkingLevel": "LOW" if level == "MINIMAL" and "pro" in model_id else level}, thinks)
    tokens = budget if budget is not None else _BUDGETS[effort or "none"]
    least = _LEAST_PRO_BUDGET if "pro" in model_id else 0
    return _with_thoughts({"thinkingBudget": max(tokens, least)}, tokens > 0)


def _with_thoughts(config: dict[str, Any], thinks: bool) -> dict[str, Any]:
    return {**config, "includeThoughts": True} if thinks else config
