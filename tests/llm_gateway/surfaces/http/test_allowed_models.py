"""A key that may use some models: what it is answered, refused and shown, on every surface."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fake_providers import Fails, FakeOpenAI, Says
from fake_providers.anthropic import FakeAnthropic
from fake_providers.anthropic import Says as Claude
from service_kit.auth.keys import KeyRing
from service_kit.auth.principal import Principal
from service_kit.testing import running

from tests.llm_gateway.harness import KEY, QUESTION, Stage, error_of, gateway

LIMITED, FREE = "key-limited", "key-of-all"
EMBEDDINGS = "text-embedding-3-small"


@pytest.fixture
def models(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The names that the limited key has."""
    names: tuple[str, ...] = getattr(request, "param", ("gpt-4o",))
    listed = KeyRing.authenticate

    async def authenticate(self: KeyRing, credential: str) -> Principal | None:
        found = await listed(self, credential)
        return msgspec.structs.replace(found, models=names) if found and credential == LIMITED else found

    monkeypatch.setattr(KeyRing, "authenticate", authenticate)
    return names


def keyed(url: str, **more: str) -> dict[str, str]:
    listed = {"AUTH_MODE": "keys", "API_KEYS": f"{LIMITED},{FREE}"}
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1", **listed, **more}


async def asked(stage: Stage, path: str, key: str = LIMITED, **body: Any) -> Any:
    return await stage.http.post(path, json=body, headers={"x-api-key": key})


ASKING: dict[str, dict[str, Any]] = {
    "/mcp/llm/generate": {"messages": QUESTION},
    "/v1/chat/completions": {"messages": QUESTION},
    "/v1/responses": {"input": "Hola"},
    "/v1/messages": {"messages": QUESTION, "max_tokens": 9},
    "/v1/embeddings": {"input": "Hola"},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKING)
@pytest.mark.usefixtures("models")
async def test_another_model_is_refused_and_not_asked(path: str, stream: bool):
    more: dict[str, Any] = {"stream": True} if stream and path != "/v1/embeddings" else {}
    model = EMBEDDINGS if path == "/v1/embeddings" else "gpt-4o-mini"
    fake = FakeOpenAI()
    async with running(fake) as url, gateway(**keyed(url)) as stage:
        answer = await asked(stage, path, model=model, **ASKING[path], **more)
        await stage.http.get("/metrics", headers={"x-api-key": FREE})
        [call] = stage.calls
    assert answer.status_code == 403 and "model_not_allowed" in answer.text and not fake.calls
    assert (call.status, call.error_code, call.http_status) == ("error", "model_not_allowed", 403)


NAMES = [
    (("gpt-4o",), "gpt-4o"), (("gpt-4*",), "gpt-4o"), (("openai/*",), "gpt-4o"), (("openai/gpt-4o",), "gpt-4o"),
    (("gpt-4o",), "openai/gpt-4o"), (("unknown", "gpt-4o"), "gpt-4o"), (("OpenAI/*",), "openai/brand-new"),
]  # fmt: skip


@pytest.mark.parametrize(("models", "model"), NAMES, indirect=["models"])
@pytest.mark.usefixtures("models")
async def test_its_own_models_answer_by_any_of_their_names(model: str):
    async with running(FakeOpenAI(Says("sí"))) as url, gateway(**keyed(url)) as stage:
        assert (await asked(stage, "/v1/chat/completions", model=model, messages=QUESTION)).status_code == 200


@pytest.mark.parametrize("models", [("azure/*",), (), ("gpt-4",)], indirect=True)
@pytest.mark.usefixtures("models")
async def test_what_a_client_calls_a_model_does_not_decide():
    async with running(FakeOpenAI()) as url, gateway(**keyed(url)) as stage:
        for body in ({"model": "gpt-4o"}, {"model": "azure/gpt-4o", "provider": "openai"}, {"model": ""}):
            answer = await asked(stage, "/mcp/llm/generate", messages=QUESTION, **body)
            assert (answer.status_code, error_of(answer)["code"]) == (403, "model_not_allowed"), body


@pytest.mark.usefixtures("models")
async def test_it_is_shown_no_others():
    async with gateway(**keyed("http://127.0.0.1:9")) as stage:
        for key, own in ((LIMITED, True), (FREE, False)):
            headers = {"x-api-key": key}
            listed = (await stage.http.get("/v1/models", headers=headers)).json()["data"]
            llms = (await stage.http.get("/mcp/llm/list", headers=headers)).json()["llms"]
            one = await stage.http.get("/v1/models/gpt-4o-mini", headers=headers)
            assert ([model["id"] for model in listed] == ["gpt-4o"]) is own
            assert ([model["name"] for model in llms] == ["gpt-4o"]) is own
            assert one.status_code == (404 if own else 200)


@pytest.mark.parametrize("models", [("mine",), ("mine", "claude-opus-5")], indirect=True)
async def test_a_fallback_that_it_may_not_use_is_not_asked(models: tuple[str, ...], tmp_path: Any):
    file = tmp_path / "catalog.yaml"
    file.write_text(
        "extends: builtin\nmodels:\n- {name: mine, provider: openai, id: gpt-4o, fallbacks: [claude-opus-5]}\n", "utf-8"
    )
    claude = FakeAnthropic(Claude("sí")) if len(models) > 1 else FakeAnthropic()
    async with running(FakeOpenAI(Fails(500))) as url, running(claude) as other:
        more = {"CATALOG_FILE": str(file), "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": other}
        async with gateway(**keyed(url, **more)) as stage:
            answer = await asked(stage, "/v1/chat/completions", model="mine", messages=QUESTION)
    assert answer.status_code == (200 if len(models) > 1 else 503)
    assert len(claude.calls) == len(models) - 1
