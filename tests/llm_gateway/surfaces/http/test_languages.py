"""The language of errors: that of the reader on the native surface, English on the vendors' unless it is asked for."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from fake_providers import Behavior, Fails, FakeOpenAI, Says, Sends
from llm_gateway import errors
from llm_gateway.errors import UpstreamError

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import QUESTION, error_of, staged

NATIVE = "/mcp/llm/generate"
ASKING: dict[str, dict[str, Any]] = {
    NATIVE: {"messages": QUESTION},
    "/v1/chat/completions": {"messages": QUESTION},
    "/v1/responses": {"input": "Hola"},
    "/v1/messages": {"messages": QUESTION, "max_tokens": 9},
    "/v1/embeddings": {"input": "Hola", "model": "text-embedding-3-small"},
}
ENGLISH, SPANISH = "openai's rate limit is reached.", "openai no admite más peticiones por ahora."


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.parametrize(
    ("accepted", "default", "native", "vendors"),
    [
        (None, "es", SPANISH, ENGLISH), (None, "en", ENGLISH, ENGLISH), ("*", "es", SPANISH, ENGLISH),
        ("es-ES,es;q=0.9", "en", SPANISH, SPANISH), ("en-US,en;q=0.9,es;q=0.8", "es", ENGLISH, ENGLISH),
        ("fr", "es", SPANISH, ENGLISH),
    ],
)  # fmt: skip
async def test_a_failure_is_told_in(path: str, accepted: str | None, default: str, native: str, vendors: str):
    headers = {"accept-language": accepted} if accepted else {}
    async with staged(FakeOpenAI(Fails(429)), UI_LANGUAGE=default) as stage:
        answer = await stage.http.post(path, json={"model": "gpt-4o", **ASKING[path]}, headers=headers)
    told = answer.json()["error"]
    assert (answer.status_code, told["message"]) == (429, native if path == NATIVE else vendors)
    assert "upstream_rate_limited" in answer.text, "the code is the same in both"
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("path", [path for path in ASKING if path != "/v1/embeddings"])
async def test_so_is_one_in_the_middle_of_a_stream(path: str):
    said = b'data: {"choices": [{"index": 0, "delta": {"content": "Hola"}}]}\n\n'
    async with staged(FakeOpenAI(Sends([said], then="cut"))) as stage:
        body = {"model": "gpt-4o", "stream": True, **ASKING[path]}
        answer = await stage.http.post(path, json=body, headers={"accept-language": "es"})
    assert answer.status_code == 200 and "una respuesta que no se entiende" in answer.text
    assert "upstream_stream_cut" in answer.text


REFUSED: list[tuple[Behavior | None, dict[str, Any], str]] = [
    (Fails(401), {}, "openai ha rechazado OPENAI_API_KEY, la credencial del gateway."),
    (Fails(500), {}, "openai no está disponible en OPENAI_BASE_URL."),
    (Fails(404, "model_not_found"), {}, "openai no tiene este modelo."),
    (Fails(400, "context_length_exceeded"), {}, "La petición es más larga que el contexto del modelo."),
    (None, {"model": "gemini-pro"}, "El proveedor 'google' no está configurado: set GOOGLE_API_KEY"),
    (None, {"model": "xxx"}, "LLM 'xxx' not found"),  # this text is a promise of the API
]


@pytest.mark.parametrize(("behavior", "more", "message"), REFUSED, ids=[message for *_, message in REFUSED])
async def test_the_gateways_own_refusals(behavior: Behavior | None, more: dict[str, Any], message: str):
    async with staged(FakeOpenAI(*([behavior] if behavior else []))) as stage:
        assert error_of(await stage.generate(**more))["message"] == message


def test_every_kind_of_a_providers_failure_has_both_texts():
    kinds = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, UpstreamError)]
    assert len(kinds) > 10
    for kind in kinds:
        error = kind()
        english, spanish = error.message, error.spanish
        error.blame("acme")
        assert spanish and english != spanish, kind
        for before, after in ((english, error.message), (spanish, error.spanish or "")):
            assert ("acme" in after) == before.startswith(("The provider", "El proveedor")), kind


async def test_an_answer_has_no_language():
    async with staged(FakeOpenAI(Says("Hello"))) as stage:
        answer = await stage.generate(stream=True, headers={"accept-language": "es"})
    assert events(answer.content)[0]["content"] == "Hello"
