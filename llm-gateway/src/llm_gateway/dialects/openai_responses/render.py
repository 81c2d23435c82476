"""Renders answers as the `response` object with its output items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from llm_gateway.canonical import FinishReason, Part, Reasoning, Refusal, Request, Text, ToolCall, Usage
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.dialects.common.signatures import wrap
from llm_gateway.dialects.openai_responses.parse import ECHO, EchoedRequest

Status = Literal["in_progress", "completed", "incomplete"]

encode = msgspec.json.Encoder(decimal_format="number").encode

_INCOMPLETE: dict[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}


def render_result(answer: Answer, request: Request) -> bytes:
    """Returns the `response` object as JSON."""
    return encode(response(answer, request))


def response(answer: Answer, request: Request) -> dict[str, Any]:
    """Returns the fields of a complete Response."""
    choice = answer.result.choices[0]
    reason = _INCOMPLETE.get(choice.finish_reason)
    body = head(answer.answered_by, request)
    body["status"] = "incomplete" if reason else "completed"
    body["incomplete_details"] = {"reason": reason} if reason else None
    if not reason:
        body["completed_at"] = answer.answered_by.created + int(answer.latency_ms / 1000)
    body["output"] = output(answer.answered_by.request_id, choice.content, choice.logprobs, whole=reason is None)
    body["usage"] = render_usage(answer)
    return body


def head(answered_by: AnsweredBy, request: Request) -> dict[str, Any]:
    """Returns the fields of a Response that has just begun."""
    echo = request.echo if isinstance(request, EchoedRequest) else {}
    body: dict[str, Any] = {
        "id": f"resp_{answered_by.request_id}",
        "object": "response",
        "created_at": answered_by.created,
        "completed_at": None,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": answered_by.model,
        "provider": answered_by.provider,
        "output": [],
        "usage": None,
        **ECHO,
        **echo,
    }
    if answered_by.fallback_from is not None:
        body["fallback_from"] = answered_by.fallback_from
    return body


def output(request_id: str, content: Iterable[Part], logprobs: Any, *, whole: bool) -> list[dict[str, Any]]:
    """Returns one item for each part. In an answer that was cut off, the last one is incomplete."""
    items: list[dict[str, Any]] = []
    for part in content:
        rendered = item(part, item_id(part, request_id, len(items)), "completed", token_logprobs(logprobs))
        if rendered is None:
            continue
        if isinstance(part, Text):
            logprobs = None  # logprobs are those of the first text
        items.append(rendered)
    if items and not whole:
        items[-1]["status"] = "incomplete"
    return items


_PREFIXES: dict[type[Part], str] = {Text: "msg", Refusal: "msg", Reasoning: "rs", ToolCall: "fc"}


def item_id(part: Part, request_id: str, number: int) -> str:
    """Returns the id of output item `number`, the same for plain and streamed answers."""
    return f"{_PREFIXES.get(type(part), 'item')}_{request_id}_{number}"


def item(part: Part, id_: str, status: Status, logprobs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Returns one output item, or None for a part that has no counterpart."""
    match part:
        case Text():
            return message(id_, status, [text_part(part.text, logprobs)])
        case Refusal():
            return message(id_, status, [refusal_part(part.text)])
        case ToolCall():
            return function_call(id_, status, part)
        case Reasoning():
            return reasoning(id_, status, part)
        case _:
            return None


def message(id_: str, status: Status, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": id_, "type": "message", "role": "assistant", "status": status, "content": content}


def text_part(text: str, logprobs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def refusal_part(text: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": text}


def function_call(id_: str, status: Status, call: ToolCall) -> dict[str, Any]:
    return {
        "id": id_, "type": "function_call", "status": status, "call_id": call.id, "name": call.name,
        "arguments": call.arguments,
    }  # fmt: skip


def reasoning(id_: str, status: Status, thought: Reasoning) -> dict[str, Any]:
    """Returns the item of a thought. Its text is the summary. Its signature is always included, since nothing is stored
    here."""
    body: dict[str, Any] = {
        "id": id_, "type": "reasoning", "status": status,
        "summary": [summary_part(thought.text)] if thought.text else [],
    }  # fmt: skip
    if thought.signature:
        body["encrypted_content"] = wrap(thought.provider, thought.signature, thought.redacted)
    return body


def summary_part(text: str) -> dict[str, Any]:
    return {"type": "summary_text", "text": text}


def token_logprobs(logprobs: Any) -> list[dict[str, Any]]:
    """Returns the tokens of a chat completion's logprobs in the form of Responses, which require `bytes`."""
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    return [_token(token) for token in tokens if isinstance(token, dict)] if isinstance(tokens, list) else []


def _token(token: dict[str, Any]) -> dict[str, Any]:
    top = token.get("top_logprobs")
    return _one(token) | {"top_logprobs": [_one(other) for other in top or () if isinstance(other, dict)]}


def _one(token: dict[str, Any]) -> dict[str, Any]:
    text = token.get("token") or ""
    return {
        "token": text, "logprob": token.get("logprob") or 0.0, "bytes": token.get("bytes") or list(text.encode()),
    }  # fmt: skip


def render_usage(answer: Answer) -> dict[str, Any]:
    """Returns OpenAI's usage object with the cost."""
    usage: Usage = answer.usage
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
        "cost_usd": answer.cost.usd,
    }
