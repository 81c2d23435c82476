"""Fakes of providers with OpenAI's API: what differs in their requests."""

from __future__ import annotations

import re

from .behaviors import Fails
from .exchange import Call
from .fake_openai import FakeOpenAI

_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)(/chat/completions|/embeddings)")


class FakeAzure(FakeOpenAI):
    """Azure OpenAI: the deployment and the version are in the URL. The key is in the header `api-key`, or an Entra
    token is the bearer token. If `deployments` are named, only those exist.

    Source: https://learn.microsoft.com/azure/ai-foundry/openai/reference
    """

    deployments: frozenset[str] = frozenset()

    def key_of(self, call: Call) -> str:
        return call.headers.get("api-key") or super().key_of(call)

    def path_of(self, call: Call) -> str:
        found = _DEPLOYMENT.fullmatch(call.path)
        return f"/v1{found[2]}" if found and call.query.startswith("api-version=") else call.path

    def refusal(self, call: Call) -> Fails | None:
        found = _DEPLOYMENT.fullmatch(call.path)
        if not found or not call.query.startswith("api-version="):
            return Fails(404, "404", "Resource not found")
        if self.keys and self.key_of(call) not in self.keys:
            return Fails(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")
        if self.deployments and found[1] not in self.deployments:
            return Fails(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")
        return super().refusal(call)


class FakeOpenRouter(FakeOpenAI):
    """OpenRouter, which also takes parameters of other providers.

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


class FakeOllama(FakeOpenAI):
    """Ollama's OpenAI-compatible API, which needs no key.

    Source: https://docs.ollama.com/api/openai-compatibility
    """

    also = frozenset({"reasoning"})
