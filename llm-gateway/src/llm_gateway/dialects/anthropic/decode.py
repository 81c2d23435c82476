"""Decodes a provider's whole `message`."""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import Choice, FinishReason, Part, Reasoning, Request, Result, Text, ToolCall, Usage
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.anthropic.encode_format import format_plan
from llm_gateway.dialects.anthropic.errors import error_of
from llm_gateway.dialects.anthropic.wire_answers import Block, ReceivedMessage
from llm_gateway.dialects.common import usage as counted
from llm_gateway.dialects.common.call_arguments import arguments_of
from llm_gateway.dialects.common.openai_errors import hidden_error
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.errors import UpstreamProtocol

_reader = TolerantReader(ReceivedMessage)


def decode_result(body: bytes, request: Request, model: Model) -> Result:
    """Returns the result in a whole `message`. Blocks of unknown types (server tools and their results) are skipped.

    Raises:
        UpstreamProtocol: the body is not a message.
        UpstreamError: the body is an error that came with status 200.
    """
    try:
        received = _reader.read(body)
    except UNREADABLE as error:
        raise hidden_error(body) or UpstreamProtocol(f"{error}: {body[:500]!r}") from None
    if received.error or received.type == "error":
        raise error_of(None, {}, received.error, body)
    if received.content is None or not (received.content or received.stop_reason):
        raise hidden_error(body) or UpstreamProtocol(f"no message: {body[:500]!r}")
    answer = format_plan(request, model).tool
    content = tuple(part_of(block, model.provider, answer and answer.name) for block in received.content)
    parts = tuple(part for part in content if part is not None)
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    choice = Choice(
        content=parts,
        finish_reason=finish_reason(received.stop_reason or "end_turn", has_calls=has_calls),
        stop_sequence=received.stop_sequence,
    )
    return Result(choices=(choice,), usage=usage_of(received.usage), model=received.model, id=received.id)


def part_of(block: Block, provider: str, answer: str | None) -> Part | None:
    """Returns a block as a part, or None for an unknown type. A call of the tool named `answer` is the answer's
    text."""
    match block.type:
        case "text":
            return Text(text=block.text or "")
        case "thinking":
            signed = block.signature or None
            return Reasoning(text=block.thinking or "", signature=signed, provider=provider if signed else None)
        case "redacted_thinking":
            return Reasoning(signature=block.data or "", provider=provider, redacted=True)
        case "tool_use":
            arguments = arguments_of(block.input)
            if answer is not None and block.name == answer:
                return Text(text=arguments)
            return ToolCall(id=block.id or "", name=block.name or "", arguments=arguments)
        case _:
            return None


def finish_reason(reason: str, *, has_calls: bool) -> FinishReason:
    """Returns the canonical finish reason for a stop reason. A paused turn (`pause_turn`) counts as cut off:
    `length`."""
    match reason:
        case "max_tokens" | "model_context_window_exceeded" | "pause_turn":
            return "length"
        case "refusal":
            return "content_filter"
        case _:
            return "tool_calls" if has_calls else "stop"


def usage_of(told: Any, *, estimated: bool = False) -> Usage | None:
    """Returns canonical usage for a provider's counts, or None if they are missing or impossible. Canonical prompt
    tokens include those read from and written to the cache; Anthropic's `input_tokens` do not. `estimated` marks
    counts that are not final."""
    counts = counted.fields(told)
    read, written = counts.get("cache_read_input_tokens"), counts.get("cache_creation_input_tokens")
    return counted.usage_from(
        prompt=(counts.get("input_tokens"), read, written),
        completion=(counts.get("output_tokens"),),
        estimated=estimated,
        modifiers=_modifiers(counts),
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=counted.fields(counts, "cache_creation").get("ephemeral_1h_input_tokens"),
        reasoning_tokens=counted.fields(counts, "output_tokens_details").get("thinking_tokens"),
    )


_USUAL = {"service_tier": ("standard",), "speed": ("standard",), "inference_geo": ("global", "not_available")}


def _modifiers(counts: dict[str, Any]) -> tuple[str, ...]:
    """Returns what changes the price: unusual service tiers, speeds and regions, and the server tools that Anthropic
    ran."""
    served = [
        f"{name}={value}"
        for name, usual in _USUAL.items()
        if isinstance(value := counts.get(name), str) and value and value not in usual
    ]
    ran = counted.fields(counts, "server_tool_use")
    return (*served, *(name for name, times in ran.items() if times))
