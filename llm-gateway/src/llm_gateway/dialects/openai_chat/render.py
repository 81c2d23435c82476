"""Renders answers as chat completions."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Part, Reasoning, Refusal, Request, Text, ToolCall, Usage
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.dialects.openai_chat import reasoning_details

encode = msgspec.json.Encoder(decimal_format="number").encode


def render_result(answer: Answer, request: Request) -> bytes:
    """Returns the `chat.completion` object as JSON."""
    body = head_of(answer.answered_by, "chat.completion")
    body["choices"] = [
        {
            "index": index,
            "message": render_message(choice.content),
            "logprobs": choice.logprobs,
            "finish_reason": choice.finish_reason,
        }
        for index, choice in enumerate(answer.result.choices)
    ]
    body["usage"] = render_usage(answer.usage, answer)
    return encode(body)


def head_of(answered_by: AnsweredBy, kind: str) -> dict[str, Any]:
    """Returns the fields that every object of an answer begins with."""
    head: dict[str, Any] = {
        "id": f"chatcmpl-{answered_by.request_id}",
        "object": kind,
        "created": answered_by.created,
        "model": answered_by.model,
        "provider": answered_by.provider,
    }
    if answered_by.fallback_from is not None:
        head["fallback_from"] = answered_by.fallback_from
    return head


def render_message(content: tuple[Part, ...]) -> dict[str, Any]:
    """Returns the assistant's message."""
    texts, reasoning, refusals, calls, signed = [], [], [], [], False
    for part in content:
        match part:
            case Text():
                texts.append(part.text)
            case ToolCall():
                calls.append(part)
            case Reasoning():
                signed = signed or part.signature is not None
                if part.text:
                    reasoning.append(part.text)
            case Refusal():
                refusals.append(part.text)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if reasoning:
        message["reasoning_content"] = "".join(reasoning)
    if signed:
        message["reasoning_details"] = reasoning_details.rendered(content)
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
    return message


def render_usage(usage: Usage, answer: Answer | None = None) -> dict[str, Any]:
    """Returns OpenAI's usage object; with an answer also its cost."""
    rendered: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "audio_tokens": usage.audio_prompt_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_completion_tokens,
        },
    }
    if answer is not None:
        rendered["cost_usd"] = answer.cost.usd
    return rendered
