"""Anthropic's Messages."""

from __future__ import annotations

from typing import Any

import msgspec
from fake_providers import Behavior
from fake_providers.anthropic import Fails, FakeAnthropic, Says
from llm_gateway.canonical import FinishReason, Part, Reasoning, Result, ToolCall, Usage
from llm_gateway.dialects.anthropic.client import AnthropicClient

from tests.llm_gateway import values
from tests.llm_gateway.vendors.vendor import SSE, Vendor, pieces, text_of

SIGNATURE = "ErUBCkYICRgCIkCk"
_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal",
}  # fmt: skip


def says(result: Result) -> Says:
    text = text_of(result)
    thoughts = "".join(part.text for part in result.content if isinstance(part, Reasoning))
    return Says(
        text=pieces(text) or None,
        calls=[(part.id, part.name, part.arguments) for part in result.content if isinstance(part, ToolCall)],
        thinking=(thoughts, SIGNATURE) if thoughts else None,
        stop_reason=_REASONS[result.finish_reason],
        usage=usage(result.usage or Usage()),
    )


def usage(counted: Usage) -> dict[str, Any]:
    """Anthropic counts what came from the cache beside the rest of the prompt."""
    return {
        "input_tokens": counted.prompt_tokens - counted.cached_tokens,
        "cache_read_input_tokens": counted.cached_tokens,
        "output_tokens": counted.completion_tokens,
        "output_tokens_details": {"thinking_tokens": counted.reasoning_tokens},
    }


def signed(result: Result, provider: str, signature: str) -> Result:
    """`result`, whose thoughts are signed as this provider's are."""

    def with_signature(part: Part) -> Part:
        if not isinstance(part, Reasoning):
            return part
        return msgspec.structs.replace(part, signature=signature, provider=provider)

    choice = result.choices[0]
    content = tuple(with_signature(part) for part in choice.content)
    return msgspec.structs.replace(result, choices=(msgspec.structs.replace(choice, content=content),))


def fails(status: int, retry_after: str | None = None) -> Behavior:
    return Fails(status, retry_after=retry_after)


def _model(id_: str):
    endpoint = values.endpoint(
        "anthropic", dialect="anthropic", base_url="http://127.0.0.1:9", path="/v1/messages",
        stream_path="/v1/messages", headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
    )  # fmt: skip
    return values.model(id_, "anthropic", endpoint=endpoint, max_output_tokens=64_000)


ANTHROPIC = Vendor(
    name="anthropic", client=AnthropicClient(), model=_model("claude-sonnet-4-5"), fake=FakeAnthropic,
    says=says, fails=fails, framing=SSE, carried=lambda result: signed(result, "anthropic", SIGNATURE),
)  # fmt: skip
CURRENT = msgspec.structs.replace(ANTHROPIC.model, id="claude-opus-4-8", name="claude-opus-4-8")
"""A model of the generation that decides itself how long to think."""
