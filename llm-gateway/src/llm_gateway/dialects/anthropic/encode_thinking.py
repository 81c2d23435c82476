"""Encodes how much the model should think, in the form that its generation takes.

Claude up to 4.5 takes a budget in tokens, which is part of `max_tokens`; from 4.6 on it takes an effort (a word). A
request in the other form is converted.

Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Request
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common.claude_models import generation_of
from llm_gateway.dialects.common.reasoning_effort import LEAST_BUDGET, budget_of, effort_of
from llm_gateway.errors import InvalidRequest

_WORDS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh"}


class Thinking(msgspec.Struct, frozen=True):
    """The fields `thinking` and `output_config.effort`, and a `max_tokens` with room for thoughts and answer."""

    config: dict[str, Any] | None
    effort: str | None
    max_tokens: int

    @property
    def on(self) -> bool:
        return self.config is not None and self.config["type"] in ("enabled", "adaptive")


def thinking_of(request: Request, model: Model, max_tokens: int, *, native: bool) -> Thinking:
    """Returns the fields for `request`. `native` says that its client spoke this dialect and set the fields itself.

    A budget is at least 1,024 tokens. If it does not fit into `max_tokens`, it is added to that, up to the model's
    limit, since the client meant so many tokens of answer. A model whose thinking cannot be turned off gets the least
    effort instead.

    Raises:
        InvalidRequest: the effort is unknown.
    """
    budget, effort = request.reasoning_budget, request.reasoning_effort
    if budget is None and effort is None:
        return Thinking(None, None, max_tokens)
    if native and budget is None:
        return Thinking(None, _word(effort or ""), max_tokens)
    generation = generation_of(model.id)
    if generation.adaptive_thinking or "adaptive_thinking" in model.supports:
        word = effort_of(budget) if budget is not None else effort or ""
        if word == "none" and not generation.always_thinks:
            return Thinking({"type": generation.unthinking}, None, max_tokens)
        return Thinking({"type": "adaptive"}, _word("low" if word == "none" else word), max_tokens)
    tokens = budget if budget is not None else budget_of(effort or "", request.max_tokens or model.max_output_tokens)
    if tokens <= 0:
        return Thinking(None, None, max_tokens)  # up to 4.5 no model thinks by default
    return _budgeted(max(tokens, LEAST_BUDGET), max_tokens, model.max_output_tokens)


def _word(effort: str) -> str | None:
    if effort == "none":
        return None
    word = _WORDS.get(effort)
    if word is None:
        known = ", ".join(("none", *_WORDS))
        raise InvalidRequest(f"reasoning_effort: must be one of {known}", param="reasoning_effort")
    return word


def _budgeted(budget: int, max_tokens: int, limit: int | None) -> Thinking:
    if budget >= max_tokens:
        max_tokens = budget + max_tokens
        if limit is not None and max_tokens > limit:
            max_tokens = limit
            budget = max(LEAST_BUDGET, min(budget, limit - 1))
    return Thinking({"type": "enabled", "budget_tokens": budget}, None, max_tokens)
