"""What the gateway promises of every provider: the table that the matrix asserts and `docs/providers.md` shows.

A cell says `CARRIED`; or how it is done where the provider has no way of its own; or `Refused`, with the parameter
that the 400 names; or `NOTHING_THERE`, where there is nothing upstream that could fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ASPECTS = (
    "plain", "stream", "one tool", "parallel tools", "JSON schema", "image", "image by URL", "error 400", "error 429",
    "error 500", "mid-stream death", "client gone",
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
_NO_UPSTREAM: Mapping[str, Cell] = dict.fromkeys(ASPECTS[7:], NOTHING_THERE)


@dataclass(frozen=True)
class Provider:
    """One column: `model` is the name that a client asks for; `cells` are those that are not simply carried."""

    name: str
    model: str
    api: str
    """Which of the tests' vendors stands behind it."""
    environ: Mapping[str, str]
    cells: Mapping[str, Cell] = field(default_factory=dict)
    embeddings: str | None = None
    """The name of a model that gives vectors, where the provider has one."""

    def cell(self, aspect: str) -> Cell:
        return self.cells.get(aspect, CARRIED)

    def __repr__(self) -> str:
        return self.name


FORCED_TOOL = Carried("by a tool that the model must call, whose arguments become the answer")
EMULATED = Carried("emulated: described in the prompt, read back from the text")
DECLINED = Carried("it declines in words what it would have to invent")
NO_IMAGES = {"image": Refused("messages"), "image by URL": Refused("messages")}

PROVIDERS = (
    Provider(
        "openai", "gpt-4o", "openai", {"OPENAI_API_KEY": "{key}", "OPENAI_BASE_URL": "{url}/v1"},
        embeddings="text-embedding-3-small",
    ),
    Provider(
        "azure", "azure/gpt-4o", "azure", {"AZURE_API_KEY": "{key}", "AZURE_ENDPOINT": "{url}"},
        embeddings="azure/text-embedding-3-small",
    ),
    Provider(
        "anthropic", "anthropic/claude-sonnet-4-5", "anthropic",
        {"ANTHROPIC_API_KEY": "{key}", "ANTHROPIC_BASE_URL": "{url}"},
    ),
    Provider(
        "google", "gemini-pro", "gemini", {"GOOGLE_API_KEY": "{key}", "GOOGLE_BASE_URL": "{url}"},
        embeddings="google/gemini-embedding-001",
    ),
    Provider(
        "aws", "bedrock-nova-pro", "bedrock nova",
        {"AWS_BEARER_TOKEN_BEDROCK": "{key}", "AWS_REGION": "us-east-1", "BEDROCK_BASE_URL": "{url}"},
        {"JSON schema": FORCED_TOOL, "image by URL": Refused("messages")},
        embeddings="aws/titan-embed-text-v2",
    ),
    Provider(
        "openrouter", "openrouter/anthropic/claude-sonnet-4.5", "openrouter",
        {"OPENROUTER_API_KEY": "{key}", "OPENROUTER_BASE_URL": "{url}/v1"},
        embeddings="openrouter/openai/text-embedding-3-small",
    ),
    Provider("ollama", "ollama/llava", "openai", {"OLLAMA_HOST": "{url}"}, embeddings="ollama/nomic-embed-text"),
    Provider(
        "groq", "groq/meta-llama/llama-4-scout-17b-16e-instruct", "openai",
        {"GROQ_API_KEY": "{key}", "GROQ_BASE_URL": "{url}/v1"},
    ),
    Provider(
        "together", "together/meta-llama/Llama-3.3-70B-Instruct-Turbo", "vllm",
        {"TOGETHER_API_KEY": "{key}", "TOGETHER_BASE_URL": "{url}/v1"}, NO_IMAGES,
    ),
    Provider(
        "vllm", "vllm/Qwen/Qwen3-VL-8B-Instruct", "vllm", {"VLLM_BASE_URL": "{url}/v1"}, embeddings="vllm/BAAI/bge-m3",
    ),
    Provider(
        "local", "local", "local", {"LOCAL_MODEL_URL": "{url}/v1"},
        {"one tool": EMULATED, "parallel tools": EMULATED, **NO_IMAGES},
    ),
    Provider("offline", "offline", "offline", {}, {**_NO_UPSTREAM, **NO_IMAGES, "JSON schema": DECLINED}),
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """How an API does what others do differently, in words for people."""

    schema: str
    images: str
    thinking: str
    caching: str
    left_out: str


WAYS = {
    "openai_chat": Way(
        schema="`response_format`",
        images="URL or base64",
        thinking="`reasoning_effort`; a budget becomes an effort",
        caching="where the row says `cache_marks` (OpenRouter); others cache by themselves",
        left_out="other dialects' fields",
    ),
    "anthropic": Way(
        schema="`output_config.format`, or a forced tool where the model has none",
        images="URL or base64",
        thinking="a budget up to Claude 4.5, an effort from 4.6 on; signatures go back",
        caching="`cache_control`, the last four",
        left_out="other dialects' fields",
    ),
    "gemini": Way(
        schema="`responseJsonSchema`",
        images="base64; URLs from Gemini 2.5 on",
        thinking="a budget up to Gemini 2.5, a level from 3 on; signatures go back, on calls too",
        caching="left out: it caches by itself",
        left_out="`user`, caching marks, other dialects' fields",
    ),
    "bedrock": Way(
        schema="`outputConfig` where the model has it, else a forced tool",
        images="base64; URLs are a 400 unless the gateway may fetch them",
        thinking="as the model's family has it; signatures go back",
        caching="`cachePoint`, the last four, where the family has it",
        left_out="other dialects' fields; marks where the family has none",
    ),
}
