"""A provider's chat completions, whole, as results."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from llm_gateway.dialects.openai_chat import wire
from llm_gateway.dialects.openai_chat.client_errors import error_of, status_of
from llm_gateway.errors import (
    UpstreamProtocol,
)
from llm_gateway.types import (
    Choice,
    FinishReason,
    Part,
    Reasoning,
    Refusal,
    Result,
    Text,
    ToolCall,
    Usage,
)

_decoder = msgspec.json.Decoder(wire.Received)


def decode_answer(body: bytes) -> Result:
    """A whole `chat.completion`.

    Raises:
        UpstreamProtocol: it is none.
        UpstreamError: it is an error that came with status 200.
    """
    answer = received(body)
    if not answer.choices:
        raise UpstreamProtocol("an answer without choices")
    return Result(
        choices=tuple(_choice(choice, answer.id) for choice in answer.choices),
        usage=usage_of(answer.usage),
        model=answer.model,
        id=answer.id,
    )


def received(body: bytes) -> wire.Received:
    """An answer, or a chunk of one; an error inside it is raised."""
    try:
        received = _decoder.decode(body)
    except wire.UNREADABLE as error:
        raise UpstreamProtocol(f"{error}: {body[:500]!r}") from None
    if received.error:
        raise error_of(status_of(received.error), {}, received.error, body)
    return received


def _choice(choice: wire.ReceivedChoice, id_: str | None) -> Choice:
    message = choice.message
    if message is None:
        raise UpstreamProtocol("a choice without a message")
    content: list[Part] = []
    reasoning = message.reasoning_content or message.reasoning
    if reasoning:
        content.append(Reasoning(text=reasoning))
    if message.content:
        content.append(Text(text=message.content))
    if message.refusal:
        content.append(Refusal(text=message.refusal))
    calls = message.tool_calls or []
    for number, call in enumerate(calls):
        function = call.function
        content.append(
            ToolCall(id=call.id or made_id(id_, number), name=function.name or "", arguments=function.arguments or "{}")
        )
    reason = finish_reason(choice.finish_reason or "stop", has_calls=bool(calls))
    return Choice(content=tuple(content), finish_reason=reason, logprobs=choice.logprobs)


def made_id(response_id: str | None, number: int) -> str:
    """An id for a tool call of a provider that gives none."""
    return f"call_{response_id or 'gateway'}_{number}"


def finish_reason(reason: str, *, has_calls: bool) -> FinishReason:
    """A provider's finish reason as one of the four."""
    match reason:
        case "length" | "content_filter":
            return reason
        case "tool_calls" | "function_call":
            return "tool_calls"
        case _:
            return "tool_calls" if has_calls else "stop"  # several servers say `stop` after tool calls


def usage_of(received: wire.ReceivedUsage | None) -> Usage | None:
    """A provider's counts as ours, or None when it gave none."""
    if received is None or received.prompt_tokens is None:
        return None
    prompt = received.prompt_tokens_details or wire.PromptDetails()
    completion = received.completion_tokens_details or wire.CompletionDetails()
    return Usage(
        prompt_tokens=received.prompt_tokens,
        completion_tokens=received.completion_tokens or 0,
        cached_tokens=prompt.cached_tokens or received.prompt_cache_hit_tokens or 0,
        reasoning_tokens=completion.reasoning_tokens or 0,
        audio_prompt_tokens=prompt.audio_tokens or 0,
        audio_completion_tokens=completion.audio_tokens or 0,
        cost_usd=None if received.cost is None else Decimal(repr(received.cost)),
    )
