"""Renders answers as the gateway's own object."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Part, Reasoning, Refusal, Request, Text, ToolCall, Usage
from llm_gateway.canonical.answer import Answer
from llm_gateway.dialects.common.call_arguments import read_arguments
from llm_gateway.dialects.native.wire import ReasoningDetail

encode = msgspec.json.Encoder(decimal_format="number").encode


def render_result(answer: Answer, request: Request) -> bytes:
    """Returns the answer object as JSON."""
    return encode({**_content(answer.result.content), **tail_of(answer)})


def _content(parts: tuple[Part, ...]) -> dict[str, Any]:
    texts = [part.text for part in parts if isinstance(part, Text | Refusal)]
    reasoning = [part.text for part in parts if isinstance(part, Reasoning)]
    body: dict[str, Any] = {"content": "".join(texts) if texts else None}
    if any(reasoning):
        body["reasoning"] = "".join(reasoning)
    return body


def tail_of(answer: Answer) -> dict[str, Any]:
    """Returns all fields of an answer but its content; a stream ends with them."""
    answered_by, cost = answer.answered_by, answer.cost
    tail: dict[str, Any] = {
        "model": answered_by.model,
        "provider": answered_by.provider,
        "provider_model": answer.result.model or answered_by.provider_model,
        "tool_calls": [
            {"id": part.id, "name": part.name, "args": read_arguments(part.arguments)}
            for part in answer.result.content
            if isinstance(part, ToolCall)
        ],
        "finish_reason": answer.result.finish_reason,
        "usage": render_usage(answer.usage),
        "cost_usd": cost.usd,
        "cost_source": cost.source,
        "cost_items": cost.items,
        "latency_ms": round(answer.latency_ms, 3),
        "cached": answer.cached,
        "request_id": answered_by.request_id,
    }
    signed = [part for part in answer.result.content if isinstance(part, Reasoning) and part.signature]
    if signed:
        tail["reasoning_details"] = [
            ReasoningDetail(part.text, part.signature, part.provider, part.redacted) for part in signed
        ]
    if answer.saved_usd is not None:
        tail["saved_usd"] = answer.saved_usd
    if answered_by.fallback_from is not None:
        tail["fallback_from"] = answered_by.fallback_from
    return tail


def render_usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }
