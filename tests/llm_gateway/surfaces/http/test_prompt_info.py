"""The prompt API beside its prompts: models, status, and the cache's figures and invalidation."""

from __future__ import annotations

from typing import Any

import pytest
from fake_providers import FakeOpenAI, Says
from llm_gateway.surfaces.status import uptime

from tests.llm_gateway.harness import KEY, Stage, error_of, gateway, staged

INVALIDATE = "/api/v1/cache/invalidate"


async def test_the_models():
    async with gateway(OPENAI_API_KEY=KEY) as stage:
        body = (await stage.http.get("/api/v1/models")).json()
    models = {model["name"]: model for model in body["models"]}
    assert body["count"] == len(models)
    assert models["gpt-4o"] == {
        "id": "gpt-4o", "name": "gpt-4o", "provider": "openai", "maxTokens": 16384, "contextWindow": 128000,
        "capabilities": ["tools", "parallel_tools", "stream", "vision", "json_schema"], "available": True,
        "reason": None, "price": {"inputUsdPerMtok": 2.5, "outputUsdPerMtok": 10.0},
    }  # fmt: skip
    assert models["bedrock-nova-pro"]["provider"] == "aws-bedrock" and not models["bedrock-nova-pro"]["available"]
    assert not any("embeddings" in model["capabilities"] for model in body["models"])


async def test_the_status():
    async with staged(FakeOpenAI(always=Says("x"))) as stage:
        await stage.prompt()
        await stage.prompt()
        status, same = [(await stage.http.get(path)).json() for path in ("/api/v1/status", "/status")]
    assert (status["status"], status["providers"]["openai"]["available"]) == ("healthy", True)
    assert status["pool"] == {"activeWorkers": 0, "maxWorkers": 10_000}
    assert (status["cache"]["hits"], status["cache"]["misses"], status["cache"]["hitRate"]) == (1, 1, 0.5)
    assert status["sessions"] == {"active": 0, "total": 0}
    assert (status["database"], status["redis"]) == ("not_configured", "not_configured")
    assert same.keys() == status.keys() and same["uptimeSeconds"] >= status["uptimeSeconds"] > 0


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0s"), (75, "1m15s"), (3600, "1h0m0s"), (93784.9, "26h3m4s")])
def test_times_are_written_as_people_do(seconds: float, text: str):
    assert uptime(seconds) == text


async def test_the_caches_figures():
    async with staged(FakeOpenAI(always=Says("x"))) as stage:
        empty = (await stage.http.get("/api/v1/cache/stats")).json()
        await stage.prompt()
        await stage.generate(messages=[{"role": "user", "content": "Hola"}])
        full = (await stage.http.get("/api/v1/cache/stats")).json()
    assert empty == {
        "hits": 0, "misses": 0, "hitRate": 0.0, "entries": 0, "bytes": 0, "quality": {}, "invalidated": 0,
        "levels": {"memory": {"hits": 0, "misses": 0, "entries": 0, "bytes": 0}},
    }  # fmt: skip
    assert (full["hits"], full["misses"], full["entries"]) == (1, 1, 1) and full["bytes"] > 0


async def test_a_cache_that_is_off_has_no_levels():
    async with gateway(CACHE_ENABLED="false") as stage:
        figures = (await stage.http.get("/api/v1/cache/stats")).json()
        assert figures["levels"] == {} and figures["entries"] == 0
        assert (await stage.http.post(INVALIDATE, json={"all": True})).json() == {"invalidated": 0}


async def keep_three(stage: Stage) -> str:
    """Has answers kept: two of gpt-4o, one of gpt-4.1; returns the key of the first."""
    first = await stage.prompt()
    await stage.prompt(prompt="Adiós", system="Sé breve")
    await stage.prompt(model="gpt-4.1", prompt="Adiós")
    return first.headers["x-cache-key"]


SELECTIONS: dict[str, tuple[dict[str, Any], int]] = {
    "a model": ({"model": "gpt-4o"}, 2), "by its alias": ({"model": "openai/gpt-4o"}, 2),
    "another model": ({"model": "unheard-of"}, 0), "a prompt": ({"prompt": "Adiós"}, 2),
    "another prompt": ({"prompt": "Sé breve"}, 0), "all": ({"all": True}, 3), "a key": ({"key": None}, 1),
}  # fmt: skip


@pytest.mark.parametrize(("selection", "count"), SELECTIONS.values(), ids=SELECTIONS)
async def test_some_answers_are_forgotten(selection: dict[str, Any], count: int):
    async with staged(FakeOpenAI(always=Says("x"))) as stage:
        key = await keep_three(stage)
        asked = {"key": key} if "key" in selection else selection
        assert (await stage.http.post(INVALIDATE, json=asked)).json() == {"invalidated": count}
        figures = (await stage.http.get("/api/v1/cache/stats")).json()
        assert (figures["entries"], figures["invalidated"]) == (3 - count, count)
        assert (await stage.prompt()).headers["x-cache"] == (
            "miss" if count in (1, 3) or ("model" in asked and count) else "hit"
        )


@pytest.mark.parametrize(
    "body", [{}, {"all": False}, {"all": True, "model": "gpt-4o"}, {"key": "xyz"}, {"key": "A" * 32}, {"prefix": "x"}]
)
async def test_a_selection_that_means_nothing_is_refused(body: dict[str, Any]):
    async with gateway() as stage:
        answer = await stage.http.post(INVALIDATE, json=body)
    assert answer.status_code in (400, 422) and error_of(answer)["type"] == "invalid_request_error"


async def test_only_operators_forget_answers():
    async with gateway(AUTH_MODE="keys", API_KEYS="user-key-1,operator:admin-key-1") as stage:
        for key, status in (("user-key-1", 403), ("admin-key-1", 200)):
            answer = await stage.http.post(INVALIDATE, json={"all": True}, headers={"x-api-key": key})
            assert answer.status_code == status
        assert (await stage.http.get("/api/v1/status")).status_code == 401
