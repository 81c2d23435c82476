"""Decodes a provider's whole chat completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from llm_gateway.canonical import Choice, FinishReason, Part, Reasoning, Refusal, Request, Result, Text, ToolCall, Usage
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common import usage as counted
from llm_gateway.dialects.common.openai_errors import error_of, hidden_error, status_of
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.dialects.openai_chat import wire
from llm_gateway.dialects.openai_chat.reasoning_details import thoughts
from llm_gateway.errors import UpstreamError, UpstreamProtocol, UpstreamUnavailable

reader = TolerantReader(wire.Received, wire.PIECES)


def decode_answer(body: bytes, provider: str | None = None) -> Result:
    """Returns the result in a whole `chat.completion` of `provider`.

    Raises:
        UpstreamProtocol: the body is not one.
        UpstreamError: the body is an error that came with status 200.
    """
    answer = received(body)
    if not answer.choices:
        raise UpstreamProtocol("an answer without choices")
    return Result(
        choices=tuple(_choice(choice, answer.id, provider) for choice in answer.choices),
        usage=usage_of(answer),
        model=answer.model,
        id=answer.id,
    )


def received(body: bytes) -> wire.Received:
    """Returns a whole answer; raises the error in it, if any."""
    try:
        found = reader.read(body)
    except UNREADABLE as error:
        raise unreadable(body, error) from None
    if found.error or found.choices is None:
        refuse_error(found, body)
    return found


def unreadable(body: bytes, error: Exception) -> UpstreamError:
    """Returns the error for a body that is not an answer: the error in it, or UpstreamProtocol."""
    return hidden_error(body) or UpstreamProtocol(f"{error}: {body[:500]!r}")


def refuse_error(found: wire.Received, body: bytes) -> None:
    """Raises the error in an answer or a chunk that has an `error` or no choices."""
    if found.error and isinstance(found.error, dict | str):
        raise error_of(status_of(found.error), {}, found.error, body)
    if found.usage is None and (hidden := hidden_error(body)) is not None:
        raise hidden


def _choice(choice: wire.ReceivedChoice, id_: str | None, provider: str | None) -> Choice:
    message = choice.message
    if message is None:
        raise UpstreamProtocol("a choice without a message")
    content: list[Part] = []
    reasoning = message.reasoning_content or message.reasoning
    details = message.reasoning_details
    if reasoning and not (details and any(detail.said for detail in details)):
        content.append(Reasoning(text=reasoning))
    if details:
        content += thoughts(details, provider)
    if type(message.content) is str:
        content += (Text(text=message.content),) if message.content else ()
    elif message.content:
        content += [_KINDS[kind](text=text) for kind, text in chunks_of(message.content)]
    if message.refusal:
        content.append(Refusal(text=message.refusal))
    calls = message.tool_calls or []
    for number, call in enumerate(calls):
        function = call.function
        arguments = arguments_of(function.arguments) or "{}"
        content.append(ToolCall(id=call.id or generated_id(id_, number), name=function.name or "", arguments=arguments))
    reason = finish_reason(choice.finish_reason or "stop", has_calls=bool(calls))
    return Choice(content=tuple(content), finish_reason=reason, logprobs=choice.logprobs)


_KINDS: dict[str, type[Text] | type[Reasoning]] = {"text": Text, "reasoning": Reasoning}


def chunks_of(content: Any) -> Iterator[tuple[Literal["text", "reasoning"], str]]:
    """Yields the texts and thoughts in a list of chunks (Mistral's form); other chunks (references) are skipped."""
    for chunk in content if isinstance(content, list) else ():
        if not isinstance(chunk, dict):
            continue
        kind = chunk.get("type")
        if kind == "text" and isinstance(chunk.get("text"), str):
            yield "text", chunk["text"]
        elif kind == "thinking":
            inner = chunk.get("thinking")
            text = inner if isinstance(inner, str) else "".join(text for _, text in chunks_of(inner))
            if text:
                yield "reasoning", text


def arguments_of(arguments: str | dict[str, Any] | None) -> str | None:
    """Returns a call's arguments as JSON text; some servers send an object."""
    return msgspec.json.encode(arguments).decode() if isinstance(arguments, dict) else arguments


def generated_id(response_id: str | None, number: int) -> str:
    """Returns an id for a tool call that has none."""
    return f"call_{response_id or 'gateway'}_{number}"


_CUT_SHORT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_FILTERED = frozenset({"content_filter", "safety", "sensitive", "guardrail_intervened", "prohibited_content"})
_FAILED = frozenset({"error", "insufficient_system_resource", "abort"})


def finish_reason(reason: str, *, has_calls: bool) -> FinishReason:
    """Returns the canonical finish reason.

    Raises:
        UpstreamUnavailable: the reason says that the provider failed midway.
    """
    match reason:
        case "stop" | "tool_calls" | "function_call":
            return "tool_calls" if has_calls or reason != "stop" else "stop"  # several servers say `stop` after calls
        case "length" | "content_filter":
            return reason
    word = reason.lower()
    if word in _CUT_SHORT:
        return "length"
    if word in _FILTERED:
        return "content_filter"
    if word in _FAILED:
        raise UpstreamUnavailable(f"the answer ended with '{reason}'")
    return "tool_calls" if has_calls else "stop"


_USUAL_TIERS = frozenset({"auto", "default", "standard"})


def usage_of(received: wire.Received) -> Usage | None:
    """Returns canonical usage, or None if the counts are missing or impossible. `cost`, in USD, is OpenRouter's field,
    `prompt_cache_hit_tokens` DeepSeek's."""
    told = counted.fields(received.usage) or counted.fields(received.x_groq, "usage")
    if not told:
        return None
    prompt = counted.fields(told, "prompt_tokens_details")
    completion = counted.fields(told, "completion_tokens_details")
    tier = received.service_tier or told.get("service_tier")
    return counted.usage_from(
        prompt=(told.get("prompt_tokens"),),
        completion=(told.get("completion_tokens"),),
        cost=told.get("cost"),
        modifiers=(f"service_tier={tier}",) if isinstance(tier, str) and tier not in _USUAL_TIERS else (),
        cached_tokens=prompt.get("cached_tokens") or told.get("prompt_cache_hit_tokens"),
        cache_write_tokens=prompt.get("cache_write_tokens"),
        reasoning_tokens=completion.get("reasoning_tokens"),
        audio_prompt_tokens=prompt.get("audio_tokens"),
        audio_completion_tokens=completion.get("audio_tokens"),
    )


def decode_result(body: bytes, request: Request, model: Model) -> Result:
    """Returns the result in a whole `chat.completion`; raises like `decode_answer`."""
    return decode_answer(body, model.provider)
