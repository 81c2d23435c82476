"""Google's Gemini."""

from __future__ import annotations

from typing import Any

import msgspec
from fake_providers import Behavior
from fake_providers.gemini import Embeds, Fails, FakeGemini, Says
from llm_gateway.canonical import FinishReason, Reasoning, Result, ToolCall, Usage
from llm_gateway.dialects.gemini.client import GeminiClient

from tests.llm_gateway import values
from tests.llm_gateway.vendors.vendor import SSE, Vendor, pieces, text_of

_REASONS: dict[FinishReason, str] = {
    "stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY",
}  # fmt: skip
_STATUSES = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}


def says(result: Result) -> Says:
    text = text_of(result)
    thoughts = "".join(part.text for part in result.content if isinstance(part, Reasoning))
    return Says(
        text=pieces(text) or None,
        calls=[(part.id, part.name, part.arguments) for part in result.content if isinstance(part, ToolCall)],
        thought=pieces(thoughts) or None,
        finish_reason=_REASONS[result.finish_reason],
        usage=usage(result.usage or Usage()),
    )


def usage(counted: Usage) -> dict[str, Any]:
    """Google counts thoughts beside the candidates."""
    return {
        "promptTokenCount": counted.prompt_tokens,
        "cachedContentTokenCount": counted.cached_tokens,
        "candidatesTokenCount": counted.completion_tokens - counted.reasoning_tokens,
        "thoughtsTokenCount": counted.reasoning_tokens,
        "totalTokenCount": counted.total_tokens,
    }


def fails(status: int, retry_after: str | None = None) -> Behavior:
    return Fails(status, _STATUSES[status], retry_delay=retry_after and f"{retry_after}s")


_ENDPOINT = values.endpoint(
    "google", dialect="gemini", base_url="http://127.0.0.1:9", path="/v1beta/models/{id}:generateContent",
    stream_path="/v1beta/models/{id}:streamGenerateContent?alt=sse", headers={"x-goog-api-key": "k"},
)  # fmt: skip

GEMINI = Vendor(
    name="gemini", client=GeminiClient(), model=values.model("gemini-3.8-flash", "google", endpoint=_ENDPOINT),
    fake=FakeGemini, says=says, fails=fails, embeds=Embeds, framing=SSE,
)  # fmt: skip
OLDER = msgspec.structs.replace(GEMINI.model, id="gemini-2.5-flash", name="gemini-2.5-flash")
