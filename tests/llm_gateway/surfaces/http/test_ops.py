from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from fake_providers import Fails, FakeOpenAI, Says
from prometheus_client.parser import text_string_to_metric_families
from service_kit.auth.keys import principal_of

from tests.llm_gateway.harness import KEY, error_of, gateway, staged


async def test_health_of_a_fresh_machine():
    async with gateway() as stage:
        body = (await stage.http.get("/health")).json()
    assert (body["status"], body["service"], body["default_model"]) == ("healthy", "llm-gateway", "bedrock-nova-pro")
    assert body["cache"] == {"enabled": True, "entries": 0} and body["version"]
    assert body["catalog"] == {"file": "built-in", "error": None}
    well = {"circuit": "closed", "deployments": []}
    assert body["providers"]["offline"] == {"available": True, "reason": None, **well}
    assert body["providers"]["openai"] == {"available": False, "reason": "set OPENAI_API_KEY", **well}


async def test_health_never_shows_a_key():
    async with gateway(OPENAI_API_KEY=KEY, AUTH_MODE="keys", API_KEYS="client-key") as stage:
        text = (await stage.http.get("/health")).text
        listed = (await stage.http.get("/mcp/llm/list", headers={"x-api-key": "client-key"})).text
    assert KEY not in text + listed and "client-key" not in text + listed


async def test_health_tells_operators_alone_where_the_catalog_is(tmp_path: Path):
    file = tmp_path / "catalog.yaml"
    file.write_text("{}")
    keys = {"AUTH_MODE": "keys", "API_KEYS": "ana-key,operator:ops-key"}
    async with gateway(CATALOG_FILE=str(file), **keys) as stage:
        file.write_text("models: 7")
        stage.parts.holder.check()

        async def catalog(**headers: str) -> dict[str, str]:
            answer = await stage.http.get("/health", headers=headers)
            assert answer.status_code == 200 and answer.json()["status"] == "degraded"
            return answer.json()["catalog"]

        for told_little in ({}, {"x-api-key": "ana-key"}):
            seen = await catalog(**told_little)
            assert seen["file"] is None and seen["error"] and str(tmp_path) not in str(seen)
        told = await catalog(authorization="Bearer ops-key")
        assert told["file"] == str(file) and told["error"].startswith(f"{file}:1: ")
        assert (await stage.http.get("/health", headers={"x-api-key": "wrong-key"})).status_code == 401
        assert (await stage.http.get("/docs", headers={"x-api-key": "wrong-key"})).status_code == 200


async def test_what_is_everybodys_is_for_operators():
    keys = {"AUTH_MODE": "keys", "API_KEYS": "ana-key,eva-key,operator:ops-key", "ADMIN_API_KEY": "admin-key"}
    async with staged(FakeOpenAI(Says("x"), Says("x")), **keys) as stage:

        def shown(key: str) -> dict[str, str]:
            return {"authorization": f"Bearer {key}"}

        for key in ("ana-key", "eva-key"):
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hola"}]}
            assert (await stage.http.post("/mcp/llm/generate", json=body, headers=shown(key))).status_code == 200
        for key in ("ana-key", "eva-key"):
            refused = await stage.http.post("/cache/clear", headers=shown(key))
            assert (refused.status_code, error_of(refused)["code"]) == (403, "operator_required")
            metrics = (await stage.http.get("/metrics", headers=shown(key))).json()
            assert metrics["total_requests"] == 2 and list(metrics["by_key"]) == [principal_of(key)]
        for key in ("ops-key", "admin-key"):
            metrics = (await stage.http.get("/metrics", headers=shown(key))).json()
            assert set(metrics["by_key"]) == {principal_of("ana-key"), principal_of("eva-key")}
        assert (await stage.http.post("/cache/clear", headers=shown("ops-key"))).json() == {"cleared": 2}
        assert (await stage.http.post("/cache/clear", headers=shown("admin-key"))).json() == {"cleared": 0}


@pytest.mark.parametrize("header", [{"x-user-id": "key_51cae64fb8b8"}, {"X-User-ID": "ana"}])
async def test_whose_user_a_caller_names_is_believed_from_trusted_keys_alone(header: dict[str, str]):
    keys = {"AUTH_MODE": "keys", "API_KEYS": "bob-key,trusted:agent-key"}
    async with gateway(**keys) as stage:
        for key in ("bob-key", "agent-key"):
            headers = {"authorization": f"Bearer {key}", **header}
            body = {"model": "offline", "messages": [{"role": "user", "content": "suma 1 y 2"}]}
            assert (await stage.http.post("/mcp/llm/generate", json=body, headers=headers)).status_code == 200
        await stage.http.get("/metrics", headers={"x-api-key": "bob-key"})  # the observers get what is still queued
        bob, agent = stage.calls
    claimed = next(iter(header.values()))
    assert (bob.principal, bob.end_user) == (principal_of("bob-key"), None)
    assert (agent.principal, agent.end_user) == (principal_of("agent-key"), f"{principal_of('agent-key')}/{claimed}")


async def test_metrics_as_json():
    async with staged(FakeOpenAI(Says("x"), Fails(500))) as stage:
        await stage.generate()
        await stage.generate()
        await stage.generate(seed=1)
        await stage.generate(model="xxx")
        body = (await stage.http.get("/metrics")).json()
    assert body["total_requests"] == 4 and body["total_tokens"] == 13 and body["total_errors"] == 2
    assert body["total_cost_usd"] == pytest.approx(62.5e-6)
    assert body["cache_hit_rate"] == pytest.approx(1 / 3, abs=1e-3)
    assert body["requests_by_model"] == {"gpt-4o": 3, "none": 1}, "a failure counts for the model that was meant"
    assert body["errors_by_code"] == {"upstream_unavailable": 1, "model_not_found": 1}
    assert body["average_latency_ms"] > 0 and set(body["latency_ms"]) == {"p50", "p95", "p99"}
    assert body["by_provider"]["openai"]["errors"] == 1, "a failure counts against the provider whose it was"
    assert body["by_key"]["anonymous"]["requests"] == 4


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        ("*/*", "", "application/json"),
        ("application/json", "", "application/json"),
        ("text/plain", "", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.5", "", "application/openmetrics-text"),
        ("*/*", "?format=prometheus", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain", "?format=json", "application/json"),
    ],
)
async def test_metrics_in_the_form_that_is_asked_for(accept: str, query: str, kind: str):
    async with gateway() as stage:
        answer = await stage.http.get(f"/metrics{query}", headers={"accept": accept})
    assert answer.headers["content-type"].startswith(kind)
    assert ("mcp_cache_hits_total 0.0" in answer.text) == (kind != "application/json")
    if "openmetrics" in kind:
        assert answer.text.endswith("# EOF\n")


async def test_an_unknown_form_is_refused():
    async with gateway() as stage:
        assert (await stage.http.get("/metrics?format=xml")).status_code == 422


async def test_every_name_of_the_contract_is_exposed():
    async with staged(FakeOpenAI(Says("x"), Fails(500))) as stage:
        await stage.chat(stream=True)
        await stage.chat()
        await stage.chat(seed=1)
        answer = await stage.http.get("/metrics?format=prometheus")
    samples = {sample.name for family in text_string_to_metric_families(answer.text) for sample in family.samples}
    assert samples >= {
        "mcp_requests_total", "mcp_request_duration_seconds_bucket", "mcp_time_to_first_token_seconds_bucket",
        "mcp_tokens_used_total", "mcp_cost_usd_total", "mcp_cache_hits_total", "mcp_cache_misses_total",
        "mcp_cache_level_hits_total", "mcp_errors_total", "mcp_provider_circuit_state",
    }  # fmt: skip
    lines = answer.text.splitlines()
    assert 'mcp_errors_total{provider="openai",type="upstream_unavailable"} 1.0' in lines
    assert 'mcp_tokens_used_total{kind="prompt",model="gpt-4o",provider="openai"} 9.0' in lines
    assert 'mcp_requests_total{method="chat.completions",model="gpt-4o",provider="openai",status="ok"} 2.0' in lines


async def test_made_up_names_do_not_multiply_labels():
    async with staged(FakeOpenAI(always=Says("x"))) as stage:
        for number in range(100):
            await stage.http.post("/mcp/llm/generate", json={"model": f"made-up-{number}", "messages": []})
            await stage.generate(model=f"made-up-{number}")
            await stage.generate(model=f"nobody/made-up-{number}")
        for number in range(30):
            await stage.generate(model=f"openai/made-up-{number}")
        text = (await stage.http.get("/metrics?format=prometheus")).text
        body = (await stage.http.get("/metrics")).json()
    assert "made-up" not in text and len(text.splitlines()) < 200
    assert set(body["requests_by_model"]) == {"none", "openai/*"}
    assert body["requests_by_model"]["openai/*"] == 30


async def test_metrics_count_what_the_edge_refused_and_measure_the_loop():
    async with gateway(AUTH_MODE="keys", API_KEYS="ana-key") as stage:
        await stage.http.get("/mcp/llm/list")
        await stage.http.get("/mcp/llm/list", headers={"x-api-key": "wrong-key"})
        await stage.http.get("/mcp/llm/list", headers={"host": "evil.example"})
        shown = {"x-api-key": "ana-key", "accept": "text/plain"}

        async def values() -> dict[tuple[str, str], float]:
            text = (await stage.http.get("/metrics", headers=shown)).text
            families = text_string_to_metric_families(text)
            return {(one.name, one.labels.get("reason", "")): one.value for each in families for one in each.samples}

        found = await values()
        for kind, count in {"missing_api_key": 1, "invalid_api_key": 1, "host_not_allowed": 1}.items():
            assert found["mcp_refusals_total", kind] == count
        failures = {reason for name, reason in found if name == "mcp_auth_failures_total"}
        assert failures == {"missing_api_key", "invalid_api_key"}
        async with asyncio.timeout(8):
            while not (await values())["mcp_loop_lag_seconds", ""]:
                time.sleep(0.3)
