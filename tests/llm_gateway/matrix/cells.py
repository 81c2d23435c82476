"""What the gateway promises of every provider: the table that the matrix asserts and `docs/providers.md` shows.

A cell says `CARRIED`; or how it is done where the provider has no way of its own; or `Refused`, with the parameter
that the 400 names; or `NOTHING_THERE`, where there is nothing upstream that could fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ASPECTS = (
    "plain", "stream", "one tool", "parallel tools", "JSON schema", "image", "error 400", "error 429", "error 500",
    "mid-stream death", "client gone",
)  # fmt: skip
PATHS = {
    "chat.completions": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "generate": "/mcp/llm/generate",
}


@dataclass(frozen=True)
class Carried:
    """It works; `how` says in what way, where that is not the provider's own."""

    how: str = ""


@dataclass(frozen=True)
class Refused:
    """400 `unsupported_parameter`, naming the parameter."""

    param: str


@dataclass(frozen=True)
class NothingThere:
    """There is no provider that could fail."""


Cell = Carried | Refused | NothingThere

CARRIED = Carried()
NOTHING_THERE = NothingThere()
_NO_UPSTREAM = dict.fromkeys(ASPECTS[6:], NOTHING_THERE)


@dataclass(frozen=True)
class Provider:
    """One column: `model` is the name that a client asks for; `cells` are those that are not simply carried."""

    name: str
    model: str
    api: str
    """Which of the tests' vendors stands behind it."""
    environ: Mapping[str, str]
    cells: Mapping[str, Cell] = field(default_factory=dict)

    def cell(self, aspect: str) -> Cell:
        return self.cells.get(aspect, CARRIED)

    def __repr__(self) -> str:
        return self.name


FORCED_TOOL = Carried("by a forced tool")
EMULATED = Carried("emulated in the prompt")

PROVIDERS = (
    Provider("openai", "gpt-4o", "openai", {"OPENAI_API_KEY": "{key}", "OPENAI_BASE_URL": "{url}/v1"}),
    Provider("azure", "azure/gpt-4o", "azure", {"AZURE_API_KEY": "{key}", "AZURE_ENDPOINT": "{url}"}),
    Provider(
        "anthropic", "anthropic/claude-sonnet-4-5", "anthropic",
        {"ANTHROPIC_API_KEY": "{key}", "ANTHROPIC_BASE_URL": "{url}"},
    ),
    Provider("google", "gemini-pro", "gemini", {"GOOGLE_API_KEY": "{key}", "GOOGLE_BASE_URL": "{url}"}),
    Provider(
        "aws", "bedrock-nova-pro", "bedrock nova",
        {"AWS_BEARER_TOKEN_BEDROCK": "{key}", "AWS_REGION": "us-east-1", "BEDROCK_BASE_URL": "{url}"},
        {"JSON schema": FORCED_TOOL},
    ),
    Provider(
        "openrouter", "openrouter/anthropic/claude-sonnet-4.5", "openrouter",
        {"OPENROUTER_API_KEY": "{key}", "OPENROUTER_BASE_URL": "{url}/v1"},
    ),
    Provider("ollama", "ollama/llava", "openai", {"OLLAMA_HOST": "{url}"}),
    Provider(
        "groq", "groq/meta-llama/llama-4-scout-17b-16e-instruct", "openai",
        {"GROQ_API_KEY": "{key}", "GROQ_BASE_URL": "{url}/v1"},
    ),
    Provider("vllm", "vllm/Qwen/Qwen3-VL-8B-Instruct", "vllm", {"VLLM_BASE_URL": "{url}/v1"}),
    Provider(
        "local", "local", "local", {"LOCAL_MODEL_URL": "{url}/v1"},
        {"one tool": EMULATED, "parallel tools": EMULATED, "image": Refused("messages")},
    ),
    Provider("offline", "offline", "offline", {}, {**_NO_UPSTREAM, "image": Refused("messages")}),
)  # fmt: skip
