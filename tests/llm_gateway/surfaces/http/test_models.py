from __future__ import annotations

from tests.llm_gateway.harness import error_of, gateway


async def test_every_model_is_listed_with_whether_it_can_be_used():
    async with gateway(OPENAI_API_KEY="sk-1") as stage:
        body = (await stage.http.get("/mcp/llm/list")).json()
    llms = {llm["name"]: llm for llm in body["llms"]}
    assert body["default"] == "gpt-4o"
    assert llms["gpt-4o"] == {
        "name": "gpt-4o", "provider": "openai", "provider_model": "gpt-4o", "description": "OpenAI GPT-4o",
        "available": True, "reason": None, "kind": "language_model", "context_window": 128000,
        "max_output_tokens": 16384, "supports": ["tools", "parallel_tools", "stream", "vision", "json_schema"],
        "fallbacks": [], "tags": [],
        "price": {"input_usd_per_mtok": 2.5, "output_usd_per_mtok": 10.0, "cached_input_usd_per_mtok": 1.25},
    }  # fmt: skip
    assert (llms["gemini-pro"]["available"], llms["gemini-pro"]["reason"]) == (False, "set GOOGLE_API_KEY")
    assert llms["offline"]["kind"] == "planner" and llms["offline"]["price"]["input_usd_per_mtok"] == 0
    assert llms["azure/Llama-3.3-70B-Instruct"]["available"] is False


async def test_openais_list_has_what_can_be_used():
    async with gateway(OPENAI_API_KEY="sk-1") as stage:
        body = (await stage.http.get("/v1/models")).json()
        one = (await stage.http.get("/v1/models/gpt-4o")).json()
        through = (await stage.http.get("/v1/models/openrouter/anthropic/claude-3.5-sonnet")).json()
        missing = [await stage.http.get(path) for path in ("/v1/models/xxx", "/v1/models/")]
    assert body["object"] == "list"
    assert {model["owned_by"] for model in body["data"]} == {"openai", "offline"}
    assert one in body["data"] and one["object"] == "model"
    assert (through["id"], through["owned_by"]) == ("openrouter/anthropic/claude-3.5-sonnet", "openrouter")
    for answer in missing:
        assert answer.status_code == 404 and error_of(answer)["code"] == "model_not_found"
