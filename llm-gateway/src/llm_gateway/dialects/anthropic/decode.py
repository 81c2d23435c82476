"""A provider's messages, whole, as results."""

from __future__ import annotations

import msgspec

from llm_gateway.canonical import Choice, FinishReason, Part, Reasoning, Request, Result, Text, ToolCall, Usage
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.anthropic.call_arguments import arguments_of
from llm_gateway.dialects.anthropic.encode_format import form_of
from llm_gateway.dialects.anthropic.errors import error_of
from llm_gateway.dialects.anthropic.wire_answers import UNREADABLE, Block, ReceivedMessage, ReceivedUsage
from llm_gateway.errors import UpstreamProtocol


class _Received(ReceivedMessage, tag_field="type", tag="message"):
    """An answer that says it is one."""


class _ReceivedError(msgspec.Struct, tag_field="type", tag="error"):
    """An error that came with status 200."""

    error: dict[str, object]


_decoder: msgspec.json.Decoder[_Received | _ReceivedError] = msgspec.json.Decoder(_Received | _ReceivedError)


def decode_result(body: bytes, request: Request, model: Model) -> Result:
    """A whole `message`. Blocks of kinds that we do not know (server tools and their results) are passed over.

    Raises:
        UpstreamProtocol: it is none.
        UpstreamError: it is an error that came with status 200.
    """
    try:
        received = _decoder.decode(body)
    except UNREADABLE as error:
        raise UpstreamProtocol(f"{error}: {body[:500]!r}") from None
    if isinstance(received, _ReceivedError):
        raise error_of(200, {}, received.error, body)
    if received.stop_reason is None:
        raise UpstreamProtocol("an answer without a stop reason")
    answer = form_of(request, model).tool
    content = tuple(part_of(block, model.provider, answer and answer.name) for block in received.content)
    parts = tuple(part for part in content if part is not None)
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    choice = Choice(
        content=parts,
        finish_reason=finish_reason(received.stop_reason, has_calls=has_calls),
        stop_sequence=received.stop_sequence,
    )
    return Result(choices=(choice,), usage=usage_of(received.usage), model=received.model, id=received.id)


def part_of(block: Block, provider: str, answer: str | None) -> Part | None:
    """A block as a part; the arguments of the tool `answer` are text."""
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
    """A stop reason as one of the four; a turn that was only paused (`pause_turn`) is one that was cut short."""
    match reason:
        case "max_tokens" | "model_context_window_exceeded" | "pause_turn":
            return "length"
        case "refusal":
            return "content_filter"
        case _:
            return "tool_calls" if has_calls else "stop"


def usage_of(received: ReceivedUsage | None, *, estimated: bool = False) -> Usage | None:
    """A provider's counts as ours, or None when it gave none: our prompt includes what the cache has a part in."""
    if received is None or received.input_tokens is None:
        return None
    read, written = received.cache_read_input_tokens or 0, received.cache_creation_input_tokens or 0
    kept = received.cache_creation.ephemeral_1h_input_tokens if received.cache_creation else 0
    details = received.output_tokens_details
    return Usage(
        prompt_tokens=received.input_tokens + read + written,
        completion_tokens=received.output_tokens or 0,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=kept or 0,
        reasoning_tokens=(details.thinking_tokens or 0) if details else 0,
        estimated=estimated,
    )
