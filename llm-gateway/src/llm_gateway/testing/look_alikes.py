"""Providers whose API is OpenAI's but for details: how they are asked, and what they take beyond it."""

from __future__ import annotations

import re

from .exchange import Call
from .fake_openai import FakeOpenAI

_DEPLOYMENT = re.compile(r"/openai/deployments/[^/]+(/chat/completions|/embeddings)")


class FakeAzure(FakeOpenAI):
    """Azure OpenAI: the deployment and the version are in the address, the key in a header of its own.

    Source: https://learn.microsoft.com/azure/ai-foundry/openai/reference
    """

    def key_of(self, call: Call) -> str:
        return call.headers.get("api-key") or super().key_of(call)

    def path_of(self, call: Call) -> str:
        found = _DEPLOYMENT.fullmatch(call.path)
        return f"/v1{found[1]}" if found and call.query.startswith("api-version=") else call.path


class FakeOpenRouter(FakeOpenAI):
    """OpenRouter, which takes parameters of other providers too.

    Source: https://openrouter.ai/docs/api-reference/parameters
    """

    also = frozenset({
        "min_p", "models", "plugins", "provider", "reasoning", "repetition_penalty", "top_a", "top_k", "transforms",
        "usage",
    })  # fmt: skip


class FakeVllm(FakeOpenAI):
    """vLLM (llama.cpp and LM Studio alike), with the sampling parameters of its own engine.

    Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
    """

    also = frozenset({"chat_template_kwargs", "guided_json", "min_p", "repetition_penalty", "top_k"})
