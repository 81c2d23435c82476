"""A model's own system prompt: what each mode makes of a request, and that every provider hears it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_providers import FakeOpenAI, Says
from fake_providers.anthropic import FakeAnthropic
from fake_providers.anthropic import Says as AnthropicSays
from fake_providers.bedrock import FakeBedrock
from fake_providers.bedrock import Says as BedrockSays
from fake_providers.gemini import FakeGemini
from fake_providers.gemini import Says as GeminiSays
from llm_gateway.cache.key import cache_key
from llm_gateway.canonical import Image, Message, Request, Text
from llm_gateway.catalog.models import SystemPrompt
from llm_gateway.routing.adapt import RequestAdapter
from llm_gateway.routing.system_prompt import instructed
from service_kit.testing import running

from tests.llm_gateway.harness import KEY, gateway, staged
from tests.llm_gateway.routing.stage import Scripted, model


def said(role: str, *texts: str) -> Message:
    return Message(role=role, content=tuple(Text(text=text) for text in texts))  # type: ignore[arg-type]


ASKED = said("user", "¿Qué hora es?")
CALLER = said("system", "Sé breve.", "Y claro.")


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [
        ("default", (ASKED,), (said("system", "Regla"), ASKED)),
        ("default", (CALLER, ASKED), (CALLER, ASKED)),
        ("default", (ASKED, CALLER), (ASKED, CALLER)),
        ("prepend", (ASKED,), (said("system", "Regla"), ASKED)),
        ("prepend", (CALLER, ASKED), (said("system", "Regla\n\nSé breve.", "Y claro."), ASKED)),
        ("prepend", (ASKED, CALLER), (said("system", "Regla"), ASKED, CALLER)),
        ("replace", (ASKED,), (said("system", "Regla"), ASKED)),
        ("replace", (CALLER, ASKED, CALLER), (said("system", "Regla"), ASKED)),
    ],
)
def test_a_mode_makes_of_a_request(mode: str, before: tuple[Message, ...], after: tuple[Message, ...]):
    request = Request(model="m", messages=before, temperature=0.5)
    prompt = SystemPrompt("Regla", mode)  # type: ignore[arg-type]
    assert instructed(request, prompt) == Request(model="m", messages=after, temperature=0.5)
    assert request.messages == before


def test_what_the_caller_says_keeps_its_marks():
    marked = Message(role="system", content=(Text(text="Sé breve.", cache="5m"), Image(url="https://x.test/1")))
    [first, *_] = instructed(Request(model="m", messages=(marked, ASKED)), SystemPrompt("Regla", "prepend")).messages
    assert first.content == (Text(text="Regla\n\nSé breve.", cache="5m"), Image(url="https://x.test/1"))


def test_the_key_of_the_cache_has_it():
    request, adapter = Request(model="m", messages=(ASKED,)), RequestAdapter({model().endpoint.dialect: Scripted()})

    def key(prompt: SystemPrompt | None) -> bytes:
        meant = model(system_prompt=prompt)
        return cache_key(adapter.fit(request, meant, frozenset())[0], meant, "t")

    keys = [key(None), key(SystemPrompt("a")), key(SystemPrompt("b"))]
    assert len(set(keys)) == 3 and key(SystemPrompt("a")) == keys[1]


OVERLAY = """\
models:
  - {name: gpt-4o, system_prompt: {mode: prepend, text: Regla de la casa}, fallbacks: [anthropic/claude-sonnet-4-5]}
  - {name: anthropic/claude-sonnet-4-5, system_prompt: {mode: replace, text: Regla de la casa}}
  - {name: gemini-pro, system_prompt: {text: Regla de la casa}}
  - {name: bedrock-nova-pro, system_prompt: {text: Regla de la casa}}
"""


@pytest.fixture
def overlay(tmp_path: Path) -> str:
    path = tmp_path / "catalog.yaml"
    path.write_text(OVERLAY, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("asked", "fake", "environ"),
    [
        ("gpt-4o", FakeOpenAI(always=Says("sí")), {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "{url}/v1"}),
        (
            "anthropic/claude-sonnet-4-5", FakeAnthropic(always=AnthropicSays("sí")),
            {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "{url}"},
        ),
        ("gemini-pro", FakeGemini(always=GeminiSays("sí")), {"GOOGLE_API_KEY": KEY, "GOOGLE_BASE_URL": "{url}"}),
        (
            "bedrock-nova-pro", FakeBedrock(always=BedrockSays("sí")),
            {"AWS_BEARER_TOKEN_BEDROCK": KEY, "AWS_REGION": "us-east-1", "BEDROCK_BASE_URL": "{url}"},
        ),
    ],
    ids=["openai", "anthropic", "google", "aws"],
)  # fmt: skip
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
async def test_every_provider_hears_it(overlay: str, asked: str, fake: FakeOpenAI, environ: dict[str, str], streamed):
    async with running(fake) as url:
        given = {name: value.format(url=url) for name, value in environ.items()}
        async with gateway(CATALOG_FILE=overlay, CACHE_ENABLED="false", **given) as stage:
            answer = await stage.generate(model=asked, stream=streamed)
    assert answer.status_code == 200, answer.text
    assert fake.calls[-1].raw.decode().count("Regla de la casa") == 1
    fake.check()


async def test_a_fallback_is_told_its_own(overlay: str, tmp_path: Path):
    fake = FakeAnthropic(AnthropicSays("sí"))
    async with running(fake) as url, running(FakeOpenAI(keys=["another"])) as refusing:
        environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{refusing}/v1"}
        environ |= {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        async with gateway(CATALOG_FILE=overlay, **environ) as stage:
            messages = [{"role": "system", "content": "lo mío"}, {"role": "user", "content": "Hola"}]
            answer = (await stage.generate(messages=messages)).json()
    assert answer["fallback_from"] == "gpt-4o"
    assert fake.calls[-1].body["system"] == "Regla de la casa", "its own replaces what the caller said"


async def test_a_changed_prompt_is_another_question(overlay: str):
    fake = FakeOpenAI(Says("una"), Says("otra"))
    async with staged(fake, CATALOG_FILE=overlay) as stage:
        assert (await stage.generate(temperature=0)).json()["content"] == "una"
        assert (await stage.generate(temperature=0)).headers["x-cache"] == "hit"
        Path(overlay).write_text(OVERLAY.replace("text: Regla de la casa}, fallbacks", "text: Nueva}, fallbacks"))
        assert stage.parts.holder.check()
        assert (await stage.generate(temperature=0)).json()["content"] == "otra"


async def test_tokens_are_counted_with_it(overlay: str):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hola"}]}
    async with gateway(OPENAI_API_KEY=KEY) as bare, gateway(OPENAI_API_KEY=KEY, CATALOG_FILE=overlay) as told:
        counts = [
            (await stage.http.post("/v1/messages/count_tokens", json=body)).json()["input_tokens"]
            for stage in (bare, told)
        ]
    assert counts[0] < counts[1]


async def test_tags_are_in_the_list(tmp_path: Path):
    path = tmp_path / "catalog.yaml"
    path.write_text("models:\n  - {name: gpt-4o, tags: [fast, eu, fast]}\n")
    async with gateway(CATALOG_FILE=str(path)) as stage:
        llms = {llm["name"]: llm["tags"] for llm in (await stage.http.get("/mcp/llm/list")).json()["llms"]}
    assert llms["gpt-4o"] == ["fast", "eu"] and llms["gemini-pro"] == []
