"""Renders answers of the prompt API."""

from __future__ import annotations

from typing import Any

import msgspec
from service_kit.errors import ApiError

from llm_gateway.canonical import Reasoning, Refusal, Request, Text
from llm_gateway.canonical.answer import Answer

encode = msgspec.json.Encoder(decimal_format="number").encode

_PROVIDER_NAMES = {"aws": "aws-bedrock", "azure": "azure-openai"}


def provider_name(provider: str) -> str:
    """Returns what the prompt API calls a provider; requests may use either name."""
    return _PROVIDER_NAMES.get(provider, provider)


def duration(milliseconds: float) -> str:
    """Returns a time as the prompt API writes it: `1.2s`, below a second `0.034s`."""
    seconds = milliseconds / 1000
    return f"{seconds:.1f}s" if seconds >= 1 else f"{seconds:.3f}s"


def rate(count: int, seconds: float) -> str:
    """Returns how many requests a second that is, as `1.79 req/s`."""
    return f"{count / max(seconds, 1e-6):.2f} req/s"


def render_result(answer: Answer, request: Request) -> bytes:
    """Returns the answer object as JSON."""
    return encode(result_of(answer))


def result_of(answer: Answer) -> dict[str, Any]:
    """Returns the answer object."""
    parts = answer.result.content
    body: dict[str, Any] = {
        "content": "".join([part.text for part in parts if isinstance(part, Text | Refusal)]),
        "tokensUsed": answer.usage.total_tokens,
        **tail_of(answer),
    }
    reasoning = "".join([part.text for part in parts if isinstance(part, Reasoning)])
    if reasoning:
        body["reasoning"] = reasoning
    return body


def tail_of(answer: Answer) -> dict[str, Any]:
    """Returns the fields that a whole answer and the last event of a stream have in common."""
    answered_by, cost = answer.answered_by, answer.cost
    tail: dict[str, Any] = {
        "model": answered_by.model,
        "provider": provider_name(answered_by.provider),
        "finishReason": answer.result.finish_reason,
        "cached": answer.cached,
        "processingTime": duration(answer.latency_ms),
        "requestId": answered_by.request_id,
        "sessionId": answered_by.session_id,
        "tokens": tokens_of(answer),
        "costUsd": cost.usd,
    }
    if answered_by.fallback_from is not None:
        tail["fallbackFrom"] = answered_by.fallback_from
    return tail


def tokens_of(answer: Answer) -> dict[str, int]:
    """Returns the tokens of this turn (`current`), those of the session's earlier turns that were sent with it
    (`historical`), and how many of them a cache had: the gateway's all of them, or the provider's own."""
    used = answer.usage
    return {
        "current": used.total_tokens,
        "historical": 0,
        "cached": used.total_tokens if answer.cached else used.cached_tokens,
    }


def failure_of(error: ApiError, request_id: str) -> dict[str, Any]:
    """Returns an error where the envelope has no place: an item of a batch, or an event of a stream."""
    return {"error": error.message, "code": error.code, "requestId": request_id}
