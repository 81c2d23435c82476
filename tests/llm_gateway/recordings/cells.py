"""What is recorded: every surface, over every provider's API, in every kind of answer and of failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.llm_gateway.recordings.answers import APIS, Api
from tests.llm_gateway.recordings.questions import SURFACES, Body, Surface
from tests.llm_gateway.recordings.wire import Canned

KEY = "the-key"


@dataclass(frozen=True)
class Provider:
    """`model` is the name that clients ask for; `environ` makes the provider available at `{url}`.

    `embeddings` is None where it has no vectors. A `brief` one speaks another's API, and differs from it in its
    requests alone: it is recorded without failures, and not over the wordiest surface.
    """

    name: str
    model: str
    api: Api | None
    environ: Mapping[str, str] = field(default_factory=dict)
    embeddings: str | None = None
    brief: bool = False

    def __repr__(self) -> str:
        return self.name


PROVIDERS = (
    Provider(
        "openai", "gpt-4o", APIS["openai"], {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "{url}/v1"},
        "text-embedding-3-small",
    ),
    Provider(
        "azure", "azure/gpt-4o", APIS["openai"], {"AZURE_API_KEY": KEY, "AZURE_ENDPOINT": "{url}"},
        "azure/text-embedding-3-small", brief=True,
    ),
    Provider(
        "anthropic", "anthropic/claude-sonnet-4-5", APIS["anthropic"],
        {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "{url}"},
    ),
    Provider(
        "google", "gemini-pro", APIS["gemini"], {"GOOGLE_API_KEY": KEY, "GOOGLE_BASE_URL": "{url}"},
        "google/gemini-embedding-001",
    ),
    Provider(
        "aws", "bedrock-nova-pro", APIS["bedrock"],
        {"AWS_BEARER_TOKEN_BEDROCK": KEY, "AWS_REGION": "us-east-1", "BEDROCK_BASE_URL": "{url}"},
        "aws/titan-embed-text-v2",
    ),
    Provider(
        "openrouter", "openrouter/anthropic/claude-sonnet-4.5", APIS["openai"],
        {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE_URL": "{url}/v1"}, brief=True,
    ),
    Provider(
        "ollama", "ollama/llama3.2:1b", APIS["openai"], {"OLLAMA_HOST": "{url}"}, "ollama/nomic-embed-text", brief=True
    ),
    Provider("local", "local", APIS["openai"], {"LOCAL_MODEL_URL": "{url}/v1"}, brief=True),
    Provider("offline", "offline", None),
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One request: its path, its bytes, and what the provider would answer to it."""

    name: str
    path: str
    body: bytes
    answer: Canned | None = None


Cells = Iterator[Cell]


@dataclass(frozen=True)
class Recorded:
    """One file of the record: a surface over a provider, cell after cell through one gateway."""

    surface: str
    provider: Provider
    cells: Callable[[], Cells]

    @property
    def file(self) -> str:
        return f"{self.surface}/{self.provider}.txt"


def _generation(surface: Surface, provider: Provider) -> Cells:
    """Answers first, the limit of rates last: after it the provider is left alone for a while."""

    def cell(name: str, body: Body, answer: Canned | None, *, streamed: bool = False) -> Cell:
        whole = {**body, **surface.stream} if streamed else body
        return Cell(name, surface.path, _encoded(whole), answer)

    def asked(about: str, question: str = "Hola") -> Body:
        return surface.plain(provider.model, f"{question} ({about})")

    def offered(about: str) -> Body:
        return surface.tools(asked(about, "Suma 4 y 6, y multiplica 2 por 3."))

    api = provider.api
    if api is None:
        yield from _planned(surface, asked, offered, cell)
        return
    yield cell("answer", asked("answer"), api.answer)
    yield cell("stream", asked("stream"), api.stream, streamed=True)
    yield cell("tools", offered("tools"), api.tools)
    yield cell("tools streamed", offered("tools streamed"), api.tools_stream, streamed=True)
    yield cell("results", surface.results(offered("results")), api.answer)
    if provider.brief:
        return
    yield cell("answer again", asked("answer"), api.answer)
    yield cell("stream again", asked("stream"), api.stream, streamed=True)
    yield cell("a wrong type", {**asked("a wrong type"), **surface.wrong}, None)
    for status in (400, 401, 500):
        yield cell(f"error {status}", asked(f"error {status}"), api.failure(status))
    yield cell("error 500 streamed", asked("error 500 streamed"), api.failure(500), streamed=True)
    yield cell("a good one between", asked("a good one between"), api.answer)
    for name, answer in (("cut", api.cut), ("unfinished", api.unfinished), ("error in the stream", api.stream_error)):
        yield cell(name, asked(name), answer, streamed=True)
    yield cell("error 429", asked("error 429"), api.failure(429))
    yield cell("after the 429", asked("after the 429"), api.answer, streamed=True)


def _planned(
    surface: Surface, asked: Callable[[str], Body], offered: Callable[[str], Body], cell: Callable[..., Cell]
) -> Cells:
    """Without an API behind it: what the planner says, and what every provider's clients are refused alike."""
    yield cell("answer", asked("answer"), None)
    yield cell("tools", offered("tools"), None)
    yield cell("tools streamed", offered("tools streamed"), None, streamed=True)
    yield cell("results", surface.results(offered("results")), None)
    yield cell("results streamed", surface.results(offered("results streamed")), None, streamed=True)
    yield cell("no such model", surface.plain("no-such-model", "Hola"), None)
    yield cell("not configured", surface.plain("gpt-4o", "Hola"), None)
    yield Cell("not JSON", surface.path, b'{"model": ', None)
    yield Cell("no messages", surface.path, b'{"model": "offline"}', None)


def _embeddings(provider: Provider) -> Cells:
    def cell(name: str, answer: Canned | None, **changes: object) -> Cell:
        inputs = [f"uno ({name})", f"dos ({name})"] if provider.name != "aws" else f"uno ({name})"
        body = {"model": provider.embeddings, "input": inputs, **changes}
        return Cell(name, "/v1/embeddings", _encoded(body), answer)

    assert provider.api is not None
    vectors, failure = provider.api.embeddings, provider.api.failure
    yield cell("answer", vectors)
    yield cell("base64", vectors, encoding_format="base64")
    yield cell("a wrong type", None, input={"no": "text"})
    for status in (400, 401, 500, 429):
        yield cell(f"error {status}", failure(status))


def _encoded(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


TABLE = [
    *(
        Recorded(surface.name, provider, lambda surface=surface, provider=provider: _generation(surface, provider))
        for surface in SURFACES
        for provider in PROVIDERS
        if not (provider.brief and surface.name == "responses")
    ),
    *(
        Recorded("embeddings", provider, lambda provider=provider: _embeddings(provider))
        for provider in PROVIDERS
        if provider.embeddings
    ),
]  # fmt: skip
