"""OpenAI's chat completions."""

from __future__ import annotations

from typing import Any

from fake_providers import Behavior, Fails, FakeAzure, FakeOpenAI, FakeOpenRouter, FakeVllm, Says
from llm_gateway.canonical import Reasoning, Refusal, Result, ToolCall, Usage
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient

from tests.llm_gateway import values
from tests.llm_gateway.vendors.vendor import SSE, Vendor, pieces, text_of

client = OpenAIChatClient()


def says(result: Result) -> Says:
    text = text_of(result)
    return Says(
        text=pieces(text) or None,
        calls=[(part.id, part.name, part.arguments) for part in result.content if isinstance(part, ToolCall)],
        reasoning="".join(part.text for part in result.content if isinstance(part, Reasoning)) or None,
        refusal="".join(part.text for part in result.content if isinstance(part, Refusal)) or None,
        finish_reason=result.finish_reason,
        usage=usage(result.usage) if result.usage else None,
    )


def usage(counted: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": counted.prompt_tokens,
        "completion_tokens": counted.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": counted.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": counted.reasoning_tokens},
    }


def fails(status: int, retry_after: str | None = None) -> Behavior:
    return Fails(status, retry_after=retry_after)


def look_alike(name: str, fake: type[FakeOpenAI], *, endpoint: Any = None, **more: Any) -> Vendor:
    """A provider with OpenAI's API; `endpoint` are the details of its own, `more` those of the vendor."""
    model = values.model("m", name, endpoint=values.endpoint(name, **endpoint or {}))
    fields: dict[str, Any] = {"client": client, "fake": fake, "says": says, "fails": fails, "framing": SSE}
    return Vendor(name=name, model=model, **{**fields, **more})


OPENAI = look_alike("openai", FakeOpenAI)
LOOK_ALIKES = (
    look_alike(
        "azure", FakeAzure, endpoint={
            "base_url": "http://127.0.0.1:9", "path": "/openai/deployments/{id}/chat/completions",
            "stream_path": "/openai/deployments/{id}/chat/completions", "query": "?api-version=2025-04-01-preview",
            "headers": {"api-key": "k"},
        },
    ),
    look_alike(
        "openrouter", FakeOpenRouter, endpoint={
            "extra_body": {"usage": {"include": True}}, "cache_marks": True,
            "also_carries": frozenset({"top_k", "reasoning_budget"}),
        },
    ),
    look_alike("vllm", FakeVllm, endpoint={"also_carries": frozenset({"top_k"})}),
)  # fmt: skip
