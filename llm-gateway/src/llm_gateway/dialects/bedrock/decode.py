"""Decodes whole answers of Converse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from llm_gateway.canonical import Choice, FinishReason, Part, Reasoning, Request, Result, Text, ToolCall, Usage
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock import wire
from llm_gateway.dialects.bedrock.encode_format import answer_tool
from llm_gateway.dialects.bedrock.errors import hidden_error
from llm_gateway.dialects.common import usage as counted
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.errors import UpstreamProtocol

_reader = TolerantReader(wire.Answer)


def decode_result(body: bytes, request: Request, model: Model) -> Result:
    """Returns the result in a whole answer. If it was asked for by a tool (see `encode_format`), the tool's arguments
    are its text.

    Raises:
        UpstreamProtocol: the body is not an answer, or Bedrock could not parse what the model wrote.
        UpstreamError: the body is an error that came with status 200.
    """
    try:
        answer = _reader.read(body)
    except UNREADABLE as error:
        hidden = hidden_error(body)
        if hidden is not None:
            raise hidden from None
        raise UpstreamProtocol(f"{error}: {body[:500]!r}") from None
    content = tuple(_parts(answer.output.message.content, model.provider))
    hidden = answer_tool(request, model)
    if hidden is not None:
        content = _unhidden(content, hidden)
    calls = any(isinstance(part, ToolCall) for part in content)
    choice = Choice(
        content=content,
        finish_reason=finish_reason(answer.stop_reason or "end_turn", has_calls=calls),
        stop_sequence=stop_sequence(answer.additional_model_response_fields),
    )
    return Result(choices=(choice,), usage=usage_of(answer.usage, answer.service_tier), model=model.id)


def _parts(blocks: list[wire.Block], provider: str) -> Iterator[Part]:
    for block in blocks:
        if block.text:
            yield Text(text=block.text)
        elif block.tool_use is not None and block.tool_use.type != wire.SERVER_TOOL:
            use = block.tool_use
            yield ToolCall(id=use.tool_use_id, name=use.name, arguments=_arguments(use.input))
        elif block.reasoning_content is not None:
            yield from _reasoning(block.reasoning_content, provider)
        elif block.citations_content is not None:
            text = "".join(piece.text for piece in block.citations_content.content)
            if text:
                yield Text(text=text)


def _reasoning(block: wire.Reasoning, provider: str) -> Iterator[Reasoning]:
    if block.redacted_content is not None:
        yield Reasoning(signature=block.redacted_content, provider=provider, redacted=True)
    elif (thought := block.reasoning_text) is not None and (thought.text or thought.signature):
        signature = thought.signature or None
        yield Reasoning(text=thought.text, signature=signature, provider=provider if signature else None)


def _arguments(raw: msgspec.Raw) -> str:
    text = bytes(raw).decode()
    return "{}" if text == "null" else text


def _unhidden(content: tuple[Part, ...], hidden: str) -> tuple[Part, ...]:
    """Returns `content` with the first call of the tool `hidden` as the answer's text, without further calls of it and
    without other text. If there is no such call, the other text comes last, as in a stream."""
    answer = next((part for part in content if isinstance(part, ToolCall) and part.name == hidden), None)
    rest = tuple(part for part in content if not isinstance(part, Text))
    if answer is None:
        said = "".join(part.text for part in content if isinstance(part, Text))
        return (*rest, Text(text=said)) if said else rest
    return tuple(
        Text(text=answer.arguments) if part is answer else part
        for part in rest
        if part is answer or not isinstance(part, ToolCall) or part.name != hidden
    )


def finish_reason(reason: str, *, has_calls: bool) -> FinishReason:
    """Returns the canonical finish reason.

    Raises:
        UpstreamProtocol: Bedrock could not parse what the model wrote.
    """
    match reason:
        case "max_tokens" | "model_context_window_exceeded":
            return "length"
        case "guardrail_intervened" | "content_filtered":
            return "content_filter"
        case "malformed_model_output" | "malformed_tool_use":
            raise UpstreamProtocol(reason, code="upstream_malformed_output")
        case _:
            return "tool_calls" if has_calls else "stop"


def stop_sequence(fields: Any) -> str | None:
    """Returns the stop sequence in the additional response fields: `{"stop_sequence"}` or `{"delta":
    {"stop_sequence"}}`."""
    if not isinstance(fields, dict):
        return None
    delta = fields.get("delta")
    found = fields.get("stop_sequence") or (delta.get("stop_sequence") if isinstance(delta, dict) else None)
    return found if isinstance(found, str) else None


def usage_of(told: Any, tier: Any = None) -> Usage | None:
    """Returns canonical usage, or None if the counts are missing or impossible. Bedrock's input tokens do not include
    those read from or written to the cache; canonical prompt tokens do."""
    counts = counted.fields(told)
    read, written = counts.get("cacheReadInputTokens"), counts.get("cacheWriteInputTokens")
    served = counted.fields(tier).get("type")
    return counted.usage_from(
        prompt=(counts.get("inputTokens"), read, written),
        completion=(counts.get("outputTokens"),),
        modifiers=(f"service_tier={served}",) if isinstance(served, str) and served != "default" else (),
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=_hour(counts.get("cacheDetails")),
    )


def _hour(details: Any) -> Any:
    """Returns the tokens that were cached for an hour rather than five minutes."""
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and detail.get("ttl") == "1h":
            return detail.get("inputTokens")
    return None
