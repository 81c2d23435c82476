"""Whichever way a client comes in: the same cache, cost, headers, errors, records and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from fake_providers import Fails, FakeOpenAI, Says
from service_kit.auth import authentication
from service_kit.auth.principal import Principal

from tests.llm_gateway.harness import staged
from tests.llm_gateway.surfaces.table import WAYS, Entrance, Told, Way
from tests.ports import free_port

EACH = pytest.mark.parametrize("way", WAYS, ids=repr)
COST = Decimal("0.0000625")
"""Nine tokens in and four out, at the price of gpt-4o."""


@asynccontextmanager
async def entrance(fake: FakeOpenAI, **environ: str) -> AsyncIterator[Entrance]:
    port = free_port()
    async with staged(fake, GRPC_PORT=str(port), **environ) as stage:
        yield Entrance(stage, port)


def usual(told: Told, cache: str) -> None:
    """The headers are there where this way has headers."""
    if told.headers is not None:
        assert told.headers["x-cache"] == cache and told.headers["x-request-id"]
        assert (told.headers["x-provider"], told.headers["x-provider-model"]) == ("openai", "gpt-4o")
        assert float(told.headers["x-overhead-ms"]) >= 0 and len(told.headers["x-cache-key"]) == 32


@EACH
async def test_an_answer_costs_the_same_and_is_kept(way: Way):
    fake = FakeOpenAI(Says("Hola a ti"))
    async with entrance(fake) as gateway:
        first = await way.ask(gateway, "Hola", "gpt-4o")
        again = await way.ask(gateway, "Hola", "gpt-4o")
        missed, hit = await gateway.stage.observed()
    assert first.text == again.text == "Hola a ti"
    assert (first.cached, again.cached, again.cost) == (False, True, 0)
    assert first.cost == pytest.approx(float(COST))
    usual(first, "miss")
    usual(again, "hit")
    assert (missed.surface, missed.cost_usd, missed.cost_source, missed.billed) == (way.method, COST, "computed", True)
    assert (hit.surface, hit.cost_usd, hit.saved_usd, hit.billed) == (way.method, 0, COST, False)
    assert missed.usage == hit.usage and missed.usage and missed.usage.total_tokens == 13


async def test_what_one_way_has_asked_every_other_finds_in_the_cache():
    fake = FakeOpenAI(Says("Hola a ti"))
    async with entrance(fake) as gateway:
        told = [await way.ask(gateway, "Hola", "gpt-4o") for way in (*WAYS, WAYS[0])]
        metrics = (await gateway.stage.http.get("/metrics?format=prometheus")).text
    assert [one.cached for one in told] == [False] + [True] * len(WAYS)
    assert len(fake.calls) == 1
    counted = {method: sum(way.method == method for way in (*WAYS, WAYS[0])) for method in {way.method for way in WAYS}}
    for method, count in counted.items():
        labels = f'method="{method}",model="gpt-4o",provider="openai",status="ok"'
        assert f"mcp_requests_total{{{labels}}} {count}.0" in metrics
    assert f"mcp_cache_hits_total {len(WAYS)}.0" in metrics and "mcp_cache_misses_total 1.0" in metrics


FAILURES = {
    "an unknown model": ("nope", Says("x"), "model_not_found", 404),
    "a model without a key": ("azure/gpt-4o", Says("x"), "provider_not_configured", 503),
    "a provider that is busy": ("gpt-4o", Fails(429), "upstream_rate_limited", 429),
    "a provider that breaks": ("gpt-4o", Fails(500), "upstream_unavailable", 503),
}


@EACH
@pytest.mark.parametrize(("model", "behavior", "code", "status"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_has_the_same_code(way: Way, model: str, behavior: Says | Fails, code: str, status: int):
    async with entrance(FakeOpenAI(always=behavior), OFFLINE_FALLBACK="never") as gateway:
        told = await way.ask(gateway, "Hola", model)
        [record] = await gateway.stage.observed()
    assert told.text == "" and told.code == (None if way.name == "messages" else code)
    assert (record.surface, record.status, record.error_code, record.http_status) == (way.method, "error", code, status)


@EACH
async def test_a_key_with_a_list_of_models_is_refused_others(way: Way, monkeypatch: pytest.MonkeyPatch):
    principal = Principal(id="limited", models=("gpt-4o",))
    monkeypatch.setattr(authentication, "open_principal", lambda *, operator: principal)
    async with entrance(FakeOpenAI(Says("x"))) as gateway:
        refused = await way.ask(gateway, "Hola", "gpt-4o-mini")
        assert refused.code == (None if way.name == "messages" else "model_not_allowed") and not refused.text
        assert (await way.ask(gateway, "Hola", "gpt-4o")).text == "x"
        assert (await gateway.stage.observed())[0].error_code == "model_not_allowed"
        assert [one["id"] for one in (await gateway.stage.http.get("/api/v1/models")).json()["models"]] == ["gpt-4o"]


@EACH
async def test_each_call_takes_a_place(way: Way):
    async with entrance(FakeOpenAI(always=Says("x")), PROVIDER_MAX_CONCURRENT="1") as gateway:
        assert not (await way.ask(gateway, "Hola", "gpt-4o")).code
        assert not (await way.ask(gateway, "otra", "gpt-4o")).code, "the place was not given back"
