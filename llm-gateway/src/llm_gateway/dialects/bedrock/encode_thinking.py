"""How a model is told to think, which each family has its own field for.

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
"""Words that the others do not know, and the nearest one that they do."""


class Thinking(msgspec.Struct, frozen=True):
    """`fields` go among the model's own, `output` into `outputConfig`. `max_tokens`, if set, replaces the request's.
    `exclusive` says that no tool can be forced beside it."""

    fields: dict[str, Any] = {}
    output: dict[str, Any] = {}
    max_tokens: int | None = None
    exclusive: bool = False


def thinking_of(request: Request, model: Model, family: Family) -> Thinking:
    """What makes `model` think as `request` wishes.

    Raises:
        InvalidRequest: it does not think, or nobody knows that word.
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
    """Claude counts the budget within `maxTokens`: an answer that would have no room left is given more."""
    limit = model.max_output_tokens
    budget = max(LEAST_BUDGET, min(budget, limit - 1) if limit else budget)
    most = request.max_tokens
    return Thinking(
        {"thinking": {"type": "enabled", "budget_tokens": budget}},
        max_tokens=budget + most if most is not None and most <= budget else None,
        exclusive=True,
    )


def _unasked(request: Request, model: Model) -> Thinking:
    """Claude thinks from 5.0 on unless it is told not to; some cannot but think."""
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
