"""Encodes the sampling parameters: Converse's own, and those among a model's additional fields.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
"""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import Request
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock.encode_thinking import Thinking
from llm_gateway.dialects.bedrock.models import Family
from llm_gateway.dialects.common.claude_models import generation_of
from llm_gateway.errors import InvalidRequest

_LEAST_THINKING_TOP_P = 0.95


def sampling_of(
    request: Request, model: Model, family: Family, thinking: Thinking
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the fields of `inferenceConfig`, and the model's additional fields.

    Raises:
        InvalidRequest: names a parameter that the model refuses, always or while it thinks.
    """
    if request.temperature is not None and request.temperature > 1:
        raise InvalidRequest("temperature: Bedrock takes 0 to 1", param="temperature")
    wanted = _permitted(request, model, thinking)
    config: dict[str, Any] = {}
    most = thinking.max_tokens or request.max_tokens
    if most is not None:
        config["maxTokens"] = min(most, model.max_output_tokens) if model.max_output_tokens else most
    for ours, theirs in (("temperature", "temperature"), ("top_p", "topP")):
        if ours in wanted:
            config[theirs] = wanted[ours]
    if request.stop:
        config["stopSequences"] = list(request.stop)
    return config, _top_k(request.top_k, family)


def _permitted(request: Request, model: Model, thinking: Thinking) -> dict[str, float]:
    """Returns the given ones of temperature, top_p and top_k, without default values where the model refuses others."""
    given = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    wanted: dict[str, float] = {name: value for name, value in given.items() if value is not None}
    claude = generation_of(model.id)
    if not wanted or claude.version is None:
        return wanted
    if not claude.sampling or thinking.exclusive:
        wanted = {name: value for name, value in wanted.items() if value != 1 or name == "top_k"}
    if not claude.sampling:
        for name in wanted:
            raise _refused(name, "this model takes no sampling parameters")
    if thinking.exclusive:
        for name in ("temperature", "top_k"):
            if name in wanted:
                raise _refused(name, "it cannot be changed while the model thinks")
        if wanted.get("top_p", 1) < _LEAST_THINKING_TOP_P:
            raise _refused("top_p", f"it is at least {_LEAST_THINKING_TOP_P} while the model thinks")
    if claude.one_sampler and {"temperature", "top_p"} <= set(wanted):
        raise _refused("top_p", "this model takes either temperature or top_p")
    return wanted


def _top_k(top_k: int | None, family: Family) -> dict[str, Any]:
    if top_k is None:
        return {}
    if not family.top_k:
        raise _refused("top_k", "this model does not take it")
    value: Any = top_k
    for name in reversed(family.top_k):
        value = {name: value}
    return value


def _refused(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{name}: {why}", param=name, code="unsupported_parameter")
