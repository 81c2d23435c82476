"""Several keys of one provider: taken in turn, each with its own circuit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fake_providers import Embeds, Fails, FakeOpenAI, Says
from fake_providers.exchange import Exchange
from llm_gateway.routing.balance import Balancer
from service_kit.testing import running

from tests.llm_gateway.catalog.reading import read
from tests.llm_gateway.harness import Stage, gateway

OVERLAY = """\
providers:
  openai: {keys: [FIRST_KEY, SECOND_KEY, THIRD_KEY]}
models:
  - name: both
    deployments: [{provider: openai, id: b-1, weight: 3}, {provider: azure, id: b-2}]
"""
KEYS = {"FIRST_KEY": "k1", "SECOND_KEY": "k2", "THIRD_KEY": "k3"}


class ByKey:
    """Answers as the key of a call deserves; any other key is fine."""

    def __init__(self, **behaviors: Fails) -> None:
        self._behaviors = behaviors

    async def play(self, exchange: Exchange) -> None:
        embeds = exchange.call.path.endswith("/embeddings")
        good = Embeds() if embeds else Says("hola")
        await self._behaviors.get(key_of(exchange.call.headers), good).play(exchange)


def key_of(headers: dict[str, str]) -> str:
    return headers["authorization"].removeprefix("Bearer ")


@asynccontextmanager
async def three_keys(tmp_path: Path, fake: FakeOpenAI, **environ: str) -> AsyncIterator[Stage]:
    path = tmp_path / "catalog.yaml"
    path.write_text(OVERLAY, encoding="utf-8")
    async with running(fake) as url:
        given = {"OPENAI_BASE_URL": f"{url}/v1", "CATALOG_FILE": str(path), "CACHE_ENABLED": "false", **KEYS}
        async with gateway(**{**given, "UPSTREAM_RETRIES": "2", **environ}) as stage:
            yield stage
    fake.check()


def used(fake: FakeOpenAI) -> list[str]:
    return [key_of(call.headers) for call in fake.calls]


@pytest.mark.parametrize("name", ["gpt-4o", "openai/gpt-4o", "openai/some-other", "openai"])
async def test_keys_are_taken_in_turn(tmp_path: Path, name: str):
    fake = FakeOpenAI(always=ByKey())
    async with three_keys(tmp_path, fake) as stage:
        for _ in range(6):
            assert (await stage.generate(model=name)).status_code == 200
    assert used(fake) == ["k1", "k2", "k3"] * 2


async def test_streams_and_vectors_take_their_turns_too(tmp_path: Path):
    fake = FakeOpenAI(always=ByKey())
    async with three_keys(tmp_path, fake) as stage:
        for _ in range(2):
            assert "hola" in (await stage.chat(stream=True)).text
            body = {"model": "openai/text-embedding-3-small", "input": "uno"}
            assert (await stage.http.post("/v1/embeddings", json=body)).status_code == 200
            assert (await stage.chat()).status_code == 200
    assert used(fake) == ["k1", "k2", "k3"] * 2


async def test_live_requests_are_spread_over_all_keys(tmp_path: Path):
    hold = asyncio.Event()
    fake = FakeOpenAI(always=Says("hola", hold=hold))
    async with three_keys(tmp_path, fake) as stage:
        asking = [asyncio.create_task(stage.generate(stream=bool(number % 2))) for number in range(30)]
        await fake.call(29)
        assert Counter(used(fake)) == {"k1": 10, "k2": 10, "k3": 10}
        hold.set()
        assert [answer.status_code for answer in await asyncio.gather(*asking)] == [200] * 30


@pytest.mark.parametrize(
    "failure", [Fails(401, "invalid_api_key"), Fails(429, "rate_limit_exceeded", retry_after="60")], ids=["401", "429"]
)
async def test_one_that_is_refused_closes_no_other(tmp_path: Path, failure: Fails):
    fake = FakeOpenAI(always=ByKey(k2=failure))
    async with three_keys(tmp_path, fake) as stage:
        for _ in range(30):
            assert (await stage.generate()).status_code == 200, "another key answers in its place"
        health = (await stage.http.get("/health")).json()["providers"]["openai"]
    counted = Counter(used(fake))
    assert counted["k2"] <= 5, "it is left alone"
    assert abs(counted["k1"] - counted["k3"]) <= counted["k2"] + 1, "its turns go to all others alike"
    [deployment] = health["deployments"]
    assert (deployment["id"], deployment["key"], deployment["circuit"]) == ("gpt-4o", "SECOND_KEY", "open")
    assert not {"k1", "k2", "k3"} & set(str(health).split("'"))


async def test_all_refused_is_a_refusal(tmp_path: Path):
    refused = Fails(401, "invalid_api_key")
    fake = FakeOpenAI(always=ByKey(k1=refused, k2=refused, k3=refused))
    async with three_keys(tmp_path, fake) as stage:
        answer = await stage.generate()
    assert answer.status_code == 502 and answer.json()["error"]["code"] == "upstream_credentials"
    assert used(fake) == ["k1", "k2", "k3"]


async def test_keys_that_are_not_there_are_passed_over(tmp_path: Path):
    fake = FakeOpenAI(always=ByKey())
    async with three_keys(tmp_path, fake, SECOND_KEY="") as stage:
        for _ in range(4):
            await stage.generate()
        [warning] = stage.parts.holder.current().warnings
    assert used(fake) == ["k1", "k3"] * 2
    assert warning == "provider 'openai': SECOND_KEY has no value; its other keys are used"
    one = read(tmp_path, OVERLAY, THIRD_KEY="k3").resolve("gpt-4o")
    assert (one.deployments, one.endpoint.headers["authorization"]) == ((), "Bearer k3")
    none = read(tmp_path, OVERLAY, OPENAI_API_KEY="not this one").endpoints["openai"]
    assert none.unavailable == "set FIRST_KEY or SECOND_KEY or THIRD_KEY"


def test_weights_are_of_deployments_however_many_keys_they_have(tmp_path: Path):
    azure = {"AZURE_API_KEY": "a", "AZURE_ENDPOINT": "http://127.0.0.1:9"}
    both = read(tmp_path, OVERLAY, **KEYS, **azure).resolve("both")
    assert len(both.deployments) == 4
    draws = iter([0.0, 0.2, 0.5, 0.74, 0.75, 0.99])
    balancer = Balancer(lambda: next(draws))
    asked = [balancer.choose(both.deployments, streamed=False).endpoint for _ in range(6)]
    assert [one.key or one.provider for one in asked] == [
        "FIRST_KEY", "SECOND_KEY", "THIRD_KEY", "FIRST_KEY", "azure", "azure",
    ]  # fmt: skip


def test_a_deployment_with_a_key_is_the_same_one_after_a_reload(tmp_path: Path):
    before = read(tmp_path, OVERLAY, **KEYS).resolve("gpt-4o")
    turned = OVERLAY.replace("FIRST_KEY, SECOND_KEY", "SECOND_KEY, FIRST_KEY")
    after = read(tmp_path, turned, **KEYS).resolve("gpt-4o")
    assert {one.deployment for one in before.deployments} == {one.deployment for one in after.deployments}
    assert len({one.deployment for one in before.deployments}) == 3
