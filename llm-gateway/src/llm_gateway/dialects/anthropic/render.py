"""Renders answers as Anthropic's `message` object.

Fields of the gateway's own: `provider`, `fallback_from`, and `cost_usd` in the usage.
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Choice, Part, Reasoning, Refusal, Request, Text, ToolCall, Usage
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.dialects.common.call_arguments import wrapped_object
from llm_gateway.dialects.common.signatures import wrap

_OWN = "anthropic"
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}

encode = msgspec.json.Encoder(decimal_format="number").encode


def render_result(answer: Answer, request: Request) -> bytes:
    """Returns the `message` object as JSON."""
    choice = answer.result.choices[0]
    reason, sequence = stop_of(choice)
    return encode(
        {
            **head(answer.answered_by),
            "content": [block for part in choice.content if (block := _block(part)) is not None],
            "stop_reason": reason,
            "stop_sequence": sequence,
            "usage": {**render_usage(answer.usage), "cost_usd": answer.cost.usd},
        }
    )


def head(answered_by: AnsweredBy) -> dict[str, Any]:
    """Returns the fields that are known before the first content."""
    fields: dict[str, Any] = {
        "id": f"msg_{answered_by.request_id}",
        "type": "message",
        "role": "assistant",
        "model": answered_by.model,
        "provider": answered_by.provider,
    }
    if answered_by.fallback_from is not None:
        fields["fallback_from"] = answered_by.fallback_from
    return fields


def stop_of(choice: Choice) -> tuple[str, str | None]:
    """Returns the stop reason and the stop sequence. An answer with a refusal's text has the reason `refusal`."""
    if choice.finish_reason == "stop":
        if choice.stop_sequence is not None:
            return "stop_sequence", choice.stop_sequence
        if any(isinstance(part, Refusal) for part in choice.content):
            return "refusal", None
    return _STOP_REASONS[choice.finish_reason], None


def render_usage(usage: Usage) -> dict[str, Any]:
    """Returns Anthropic's counts: `input_tokens` does not include tokens read from or written to the cache."""
    cached, written = usage.cached_tokens, usage.cache_write_tokens
    rendered: dict[str, Any] = {
        "input_tokens": max(0, usage.prompt_tokens - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }
    if usage.cache_write_1h_tokens:
        kept = usage.cache_write_1h_tokens
        rendered["cache_creation"] = {"ephemeral_1h_input_tokens": kept, "ephemeral_5m_input_tokens": written - kept}
    return rendered


def _block(part: Part) -> dict[str, Any] | None:
    match part:
        case Text() | Refusal():
            return {"type": "text", "text": part.text}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": wrapped_object(part.arguments)}
        case Reasoning(redacted=True):
            return {"type": "redacted_thinking", "data": signed(part.provider, part.signature or "", redacted=True)}
        case Reasoning():
            return {
                "type": "thinking",
                "thinking": part.text,
                "signature": signed(part.provider, part.signature) if part.signature else "",
            }
        case _:
            return None


def signed(provider: str | None, signature: str, *, redacted: bool = False) -> str:
    """Returns a signature for clients to send back: Anthropic's own unchanged, another provider's with its name
    inside."""
    return signature if provider == _OWN else wrap(provider, signature, redacted)
