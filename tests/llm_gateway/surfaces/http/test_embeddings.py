"""`POST /v1/embeddings` end to end: headers, cache, cost, records, failures, leaving."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_providers import Embeds, Fails, FakeOpenAI, Sends, Silent
from fake_providers.embeds import vector_of
from llm_gateway.surfaces.http.schemas.embeddings import EmbeddingList
from service_kit.testing import running

from tests.llm_gateway.harness import KEY, Stage, error_of, gateway, staged
from tests.llm_gateway.surfaces.http.test_schemas import strictly
from tests.waiting import eventually

PATH = "/v1/embeddings"
MODEL = "text-embedding-3-small"


async def ask(stage: Stage, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return await stage.http.post(PATH, json={"model": MODEL, "input": ["uno", "dos"], **body}, headers=headers)


def catalog(tmp_path: Any, *, batch: int = 2048, fallbacks: str = "") -> str:
    """A catalog of its own: `first` and `second` are two places with OpenAI's API."""
    file = tmp_path / "catalog.yaml"
    file.write_text(
        f"""
providers:
  offline: {{dialect: offline, free: true}}
  first: {{base_url_variable: FIRST_URL, embeddings_batch: {batch}}}
  second: {{base_url_variable: SECOND_URL}}
models:
  - {{name: offline, provider: offline, id: offline-planner, max_output_tokens: 4096, supports: [tools, stream]}}
  - {{name: small, provider: first, id: small, supports: [embeddings], fallbacks: [{fallbacks}]}}
  - {{name: second/small, provider: second, id: small, supports: [embeddings]}}
  - {{name: second/large, provider: second, id: large, supports: [embeddings]}}
"""
    )
    return str(file)


async def test_an_answer_says_all():
    async with staged(FakeOpenAI(Embeds(), keys=[KEY])) as stage:
        answer = await ask(stage)
        calls = await stage.observed()
    body = answer.json()
    strictly(body, EmbeddingList)
    assert [item["embedding"] for item in body["data"]] == [vector_of("uno"), vector_of("dos")]
    assert body["usage"] == {"prompt_tokens": 2, "total_tokens": 2, "cost_usd": 4e-08}
    assert body["model"] == answer.headers["x-provider"] + "/" + answer.headers["x-provider-model"]
    assert answer.headers["x-cache"] == "miss" and "upstream;dur=" in answer.headers["server-timing"]
    assert Decimal(answer.headers["x-response-cost-usd"]) == Decimal("0.00000004")
    [call] = calls
    assert (call.surface, call.status, call.model, call.provider) == ("embeddings", "ok", body["model"], "openai")
    assert call.usage and call.usage.total_tokens == 2 and call.cost_usd == Decimal("0.00000004")


async def test_the_same_texts_are_asked_for_once():
    fake = FakeOpenAI(Embeds(), Embeds(), Embeds(), Embeds())
    async with staged(fake) as stage:
        first = await ask(stage)
        again = await ask(stage, encoding_format="base64", user="someone else")
        assert again.headers["x-cache"] == "hit" and again.json()["usage"]["cost_usd"] == 0
        others: list[dict[str, Any]] = [
            {"input": ["dos", "uno"]}, {"dimensions": 4}, {"model": "text-embedding-3-large"},
        ]  # fmt: skip
        for other in others:
            assert (await ask(stage, **other)).headers["x-cache"] == "miss"
        assert (await ask(stage)).json()["data"] == first.json()["data"]
        hit = (await stage.observed())[-1]
    assert (hit.cache, hit.cost_usd, hit.saved_usd) == ("hit", 0, Decimal("0.00000004"))


async def test_what_must_not_be_stored_is_not():
    fake = FakeOpenAI(Embeds(), Embeds())
    async with staged(fake) as stage:
        for _ in range(2):
            answer = await ask(stage, {"cache-control": "no-store"})
            assert answer.headers["x-cache"] == "bypass"


async def test_equal_requests_at_once_are_one_call():
    hold = asyncio.Event()
    fake = FakeOpenAI(Embeds(hold=hold))
    async with staged(fake) as stage:
        first = asyncio.create_task(ask(stage))
        await fake.call()
        second = asyncio.create_task(ask(stage))
        await stage.taken_in()
        hold.set()
        answers = await asyncio.gather(first, second)
    assert sorted(answer.headers["x-cache"] for answer in answers) == ["coalesced", "miss"]
    assert answers[0].json()["data"] == answers[1].json()["data"]


async def test_who_leaves_ends_the_call():
    fake = FakeOpenAI(Silent())
    async with staged(fake) as stage:
        asking = asyncio.create_task(ask(stage))
        call = await fake.call()
        asking.cancel()
        await asyncio.wait_for(call.left.wait(), 5)
        await eventually(stage.observed)
        assert (stage.calls[0].status, stage.calls[0].http_status) == ("cancelled", 499)


async def test_the_callers_own_limit_ends_it():
    async with staged(FakeOpenAI(Silent()), UPSTREAM_TOTAL_TIMEOUT="0.2") as stage:
        assert error_of(await ask(stage))["code"] == "upstream_timeout"


async def test_an_estimate_says_so_in_the_records():
    async with staged(FakeOpenAI(Embeds(usage=False))) as stage:
        answer = await ask(stage, input=["x" * 41, [1, 2, 3]])
        [call] = await stage.observed()
    assert answer.json()["usage"]["prompt_tokens"] == 11 + 3
    assert call.usage and call.usage.estimated and call.cost_source == "estimated"


# --- several calls for one request ---


async def test_more_texts_than_a_provider_takes_go_in_several_calls(tmp_path: Any):
    fake = FakeOpenAI(always=Embeds())
    texts = [f"text {number}" for number in range(25)]
    async with running(fake) as url, gateway(CATALOG_FILE=catalog(tmp_path, batch=2), FIRST_URL=f"{url}/v1") as stage:
        answer = await ask(stage, model="small", input=texts)
    assert [item["embedding"] for item in answer.json()["data"]] == [vector_of(text) for text in texts]
    assert len(fake.calls) == 13 and answer.json()["usage"]["prompt_tokens"] == sum(len(t) // 4 for t in texts)


async def test_one_failed_call_fails_all_and_ends_the_others(tmp_path: Any):
    fake = FakeOpenAI(Silent(), Silent(), Fails(400), always=Silent())
    environ = {"CATALOG_FILE": catalog(tmp_path, batch=1)}
    async with running(fake) as url, gateway(**environ, FIRST_URL=f"{url}/v1") as stage:
        answer = await asyncio.wait_for(ask(stage, model="small", input=list("abcdefghijkl")), 5)
        assert error_of(answer)["code"] == "upstream_rejected"
        silent = fake.calls[:2]
        await asyncio.wait_for(asyncio.gather(*(call.left.wait() for call in silent)), 5)
    assert len(fake.calls) <= 9


# --- who stands in ---


async def test_only_the_same_model_stands_in(tmp_path: Any):
    first, second = FakeOpenAI(always=Fails(500)), FakeOpenAI(always=Embeds())
    async with running(first) as one, running(second) as two:
        urls = {"FIRST_URL": f"{one}/v1", "SECOND_URL": f"{two}/v1"}
        file = catalog(tmp_path, fallbacks="second/large, second/small")
        async with gateway(CATALOG_FILE=file, **urls) as stage:
            answer = await ask(stage, model="small")
    assert answer.status_code == 200 and answer.headers["x-fallback-from"] == "small"
    assert answer.json()["fallback_from"] == "small" and answer.json()["model"] == "second/small"
    assert [call.body["model"] for call in second.calls] == ["small"]


async def test_another_deployment_of_the_same_model_answers_unnoticed(tmp_path: Any):
    first, second = FakeOpenAI(always=Fails(500)), FakeOpenAI(always=Embeds())
    file = Path(catalog(tmp_path))
    file.write_text(
        file.read_text()
        + """
  - name: both
    supports: [embeddings]
    deployments:
      - {provider: first, id: one, weight: 1000000}
      - {provider: second, id: two, weight: 0.000001}
"""
    )
    async with running(first) as one, running(second) as two:
        urls = {"FIRST_URL": f"{one}/v1", "SECOND_URL": f"{two}/v1"}
        async with gateway(CATALOG_FILE=str(file), UPSTREAM_RETRIES="1", **urls) as stage:
            answer = await ask(stage, model="both")
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == "both" and "x-fallback-from" not in answer.headers
    assert {call.body["model"] for call in second.calls} == {"two"}


async def test_vectors_of_another_model_are_never_given(tmp_path: Any):
    first, second = FakeOpenAI(always=Fails(500)), FakeOpenAI(always=Embeds())
    async with running(first) as one, running(second) as two:
        urls = {"FIRST_URL": f"{one}/v1", "SECOND_URL": f"{two}/v1"}
        async with gateway(CATALOG_FILE=catalog(tmp_path, fallbacks="second/large"), **urls) as stage:
            answer = await ask(stage, model="small")
    assert error_of(answer)["code"] == "upstream_unavailable" and second.calls == []


# --- refusals ---


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"model": "gpt-4o"}, 400, "embeddings_not_supported", "model"),
        ({"model": "offline"}, 400, "embeddings_not_supported", "model"),
        ({"model": "xxx"}, 404, "model_not_found", "model"),
        ({"model": "mistral-embed"}, 503, "provider_not_configured", "model"),
        ({"input": []}, 400, "invalid_request", "input"),
        ({"input": ["a"] * 2049}, 400, "invalid_request", "input"),
        ({"dimensions": "8"}, 400, "invalid_request", "dimensions"),
    ],
    ids=str,
)
async def test_a_refusal_names_what_is_wrong(body: dict[str, Any], status: int, code: str, param: str):
    async with staged(FakeOpenAI()) as stage:
        answer = await ask(stage, **body)
        [call] = await stage.observed()
    assert (answer.status_code, call.status, call.error_code) == (status, "error", code)
    assert (error_of(answer)["code"], error_of(answer)["param"]) == (code, param)


async def test_token_ids_for_a_provider_that_knows_none(tmp_path: Any):
    fake, file = FakeOpenAI(), catalog(tmp_path)
    async with running(fake) as url, gateway(CATALOG_FILE=file, FIRST_URL=f"{url}/v1") as stage:
        answer = await ask(stage, model="small", input=[[1, 2]])
    assert answer.status_code == 400 and error_of(answer)["param"] == "input"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (Fails(500), 503, "upstream_unavailable"),
        (Fails(401), 502, "upstream_credentials"),
        (Sends([b"<html>"], "text/html"), 502, "upstream_protocol_error"),
        (Sends([b'{"data": []}'], "application/json"), 502, "upstream_protocol_error"),
        (Sends([b'{"data": [{"embedding": [1]}'], "application/json", then="cut"), 502, "upstream_stream_cut"),
    ],
    ids=["500", "401", "html", "too few", "cut"],
)
async def test_a_providers_failure_is_told_as_one(sent: Any, status: int, code: str):
    async with staged(FakeOpenAI(sent)) as stage:
        answer = await ask(stage)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert "html" not in answer.text


async def test_only_post_and_only_json():
    async with staged(FakeOpenAI()) as stage:
        assert (await stage.http.get(PATH)).status_code == 405
        assert (await stage.http.post(PATH, content=b"{}", headers={"content-type": "text/plain"})).status_code == 415
        garbage = await stage.http.post(PATH, content=b'{"a":' * 99_999, headers={"content-type": "application/json"})
    assert garbage.status_code == 400 and error_of(garbage)["code"] == "invalid_json"


async def test_models_of_vectors_are_listed_as_such():
    async with staged(FakeOpenAI()) as stage:
        listed = {llm["name"]: llm for llm in (await stage.http.get("/mcp/llm/list")).json()["llms"]}
    small = listed["openai/text-embedding-3-small"]
    assert (small["kind"], small["supports"]) == ("embedding_model", ["embeddings"])
    assert small["price"] == {
        "input_usd_per_mtok": 0.02, "output_usd_per_mtok": None, "cached_input_usd_per_mtok": None,
    }  # fmt: skip
