from __future__ import annotations

from tests.llm_gateway.harness import QUESTION, gateway

BODY = {"model": "offline", "messages": QUESTION}


async def test_the_raw_routes_work_behind_a_prefix():
    async with gateway(ROOT_PATH="/llm") as stage:
        for prefix in ("", "/llm"):
            for path in ("/mcp/llm/generate", "/v1/chat/completions"):
                assert (await stage.http.post(prefix + path, json=BODY)).status_code == 200
            for path in ("/mcp/llm/list", "/v1/models", "/health", "/metrics"):
                assert (await stage.http.get(prefix + path)).status_code == 200


async def test_only_the_exact_path_is_taken():
    async with gateway() as stage:
        for path in ("/v1/chat/completions/", "/v1/chat", "//v1/chat/completions", "/llm/v1/chat/completions"):
            answer = await stage.http.post(path, json=BODY)
            assert answer.status_code == 404, path
