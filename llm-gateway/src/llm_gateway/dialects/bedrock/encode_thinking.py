"""Encodes how much the model should think; each family has its own field.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Request
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock.models import Family
from llm_gateway.dialects.common.claude_models import generation_of
from llm_gateway.dialects.common.reasoning_effort import LEAST_BUDGET, budget_of, effort_of
from llm_gateway.errors import InvalidRequest

_THREE_WORDS = {"minimal": "low", "xhigh": "high"}
"""The nearest of low, medium and high for other efforts."""


class Thinking(msgspec.Struct, frozen=True):
    """`fields` are additional model fields, `output` goes into `outputConfig`. `max_tokens`, if set, replaces the
    request's. If `exclusive`, no tool may be forced."""

    fields: dict[str, Any] = {}
    output: dict[str, Any] = {}
    max_tokens: int | None = None
    exclusive: bool = False


def thinking_of(request: Request, model: Model, family: Family) -> Thinking:
    """Returns what makes `model` think as much as `request` asks.

    Raises:
        InvalidRequest: the model does not think, or the effort is unknown.
    """
    longest = request.max_tokens or model.max_output_tokens
    budget, effort = request.reasoning_budget, request.reasoning_effort
    if budget is None:
        budget = budget_of(effort, longest) if effort is not None else 0
    else:
        effort = None
    if budget <= 0:
        return _unasked(request, model)
    word = effort or effort_of(budget)
    match family.thinking:
        case "budget":
            return _within(budget, request, model)
        case "adaptive":
            return Thinking({"thinking": {"type": "adaptive"}}, {"effort": _low(word)}, exclusive=True)
        case "nova":
            config = {"type": "enabled", "maxReasoningEffort": _THREE_WORDS.get(word, word)}
            return Thinking({"reasoningConfig": config})
        case "effort":
            return Thinking({"reasoning_effort": _THREE_WORDS.get(word, word)})
        case None:
            param = "reasoning_budget" if effort is None else "reasoning_effort"
            raise InvalidRequest(
                f"{param}: this model cannot be told how much to think", param=param, code="unsupported_parameter"
            )


def _within(budget: int, request: Request, model: Model) -> Thinking:
    """Returns a thinking budget. It is part of `maxTokens`, which is raised if nothing would be left for the answer."""
    limit = model.max_output_tokens
    budget = max(LEAST_BUDGET, min(budget, limit - 1) if limit else budget)
    most = request.max_tokens
    return Thinking(
        {"thinking": {"type": "enabled", "budget_tokens": budget}},
        max_tokens=budget + most if most is not None and most <= budget else None,
        exclusive=True,
    )


def _unasked(request: Request, model: Model) -> Thinking:
    """Returns the fields for no thinking. Claude thinks by default from 5.0 on, and some models always think."""
    told = request.reasoning_budget is not None or request.reasoning_effort is not None
    claude = generation_of(model.id)
    if not claude.thinks_unasked:
        return Thinking()
    if not told:
        return Thinking(exclusive=True)
    if claude.always_thinks:
        return Thinking({"thinking": {"type": "adaptive"}}, {"effort": "low"}, exclusive=True)
    return Thinking({"thinking": {"type": claude.unthinking}})


def _low(word: str) -> str:
    return "low" if word == "minimal" else word
