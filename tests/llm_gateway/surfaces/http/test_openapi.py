from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from llm_gateway.app import from_environment
from schemathesis import BaseSchema, Case
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from service_kit.service import Service

from tests.llm_gateway.harness import BATCH, GENERATE, PROMPT, gateway


@pytest.fixture(scope="module")
def app() -> Service:
    return from_environment({"ALLOWED_HOSTS": "testserver"})[0]


@pytest.fixture(scope="module")
def document(app: Service) -> dict[str, Any]:
    return app.openapi()


ROUTES = {
    "/mcp/llm/list": {"get"}, "/mcp/llm/generate": {"post"}, "/v1/chat/completions": {"post"},
    "/v1/responses": {"post"}, "/v1/messages": {"post"}, "/v1/messages/count_tokens": {"post"},
    "/v1/embeddings": {"post"}, "/v1/models": {"get"}, "/v1/models/{id}": {"get"}, "/metrics": {"get"},
    "/api/v1/generate": {"post"}, "/api/v1/generate/stream": {"post"}, "/api/v1/generate/batch": {"post"},
    "/api/v1/generate/batch/stream": {"post"}, "/api/v1/models": {"get"}, "/api/v1/status": {"get"},
    "/status": {"get"}, "/api/v1/cache/stats": {"get"}, "/api/v1/cache/invalidate": {"post"},
    "/ws": {"get"}, "/cache/clear": {"post"}, "/health": {"get"}, "/healthz": {"get"}, "/readyz": {"get"},
}  # fmt: skip


def test_every_route_is_described(document: dict[str, Any]):
    assert {path: set(operations) for path, operations in document["paths"].items()} == ROUTES


def test_the_raw_routes_have_whole_schemas(document: dict[str, Any]):
    schemas = document["components"]["schemas"]
    raw = {GENERATE: "GenerateRequest", "/v1/chat/completions": "ChatRequest", "/v1/responses": "ResponsesRequest"}
    raw["/v1/messages"] = "MessagesRequest"
    for path, request in raw.items():
        operation = document["paths"][path]["post"]
        body = operation["requestBody"]["content"]["application/json"]
        assert body["schema"] == {"$ref": f"#/components/schemas/{request}"}
        asked = "input" if path == "/v1/responses" else "messages"
        assert {asked, "model", "tools", "stream", "temperature"} <= set(schemas[request]["properties"])
        assert {"200", "400", "401", "404", "413", "415", "429", "502", "503", "504"} <= set(operation["responses"])
        assert set(operation["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}


def test_only_operators_clear_the_cache(document: dict[str, Any]):
    assert "operator" in document["paths"]["/cache/clear"]["post"]["responses"]["403"]["description"]


def test_errors_are_described_as_the_envelope(document: dict[str, Any]):
    for path, operations in document["paths"].items():
        envelope = "MessagesError" if path.startswith("/v1/messages") else "ErrorEnvelope"
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status[0] in "45d":
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": f"#/components/schemas/{envelope}"}


def test_every_reference_leads_somewhere(document: dict[str, Any]):
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(value) for value in node.values()))
        return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()

    found = references(document)
    assert len(found) > 20
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found <= known


def test_the_prompt_api_is_described_by_what_it_streams(document: dict[str, Any]):
    media = {path: set(document["paths"][path]["post"]["responses"]["200"]["content"]) for path in (PROMPT, BATCH)}
    assert media == {PROMPT: {"application/json"}, BATCH: {"application/json"}}
    for path in (PROMPT, BATCH):
        streams = document["paths"][f"{path}/stream"]["post"]
        assert set(streams["responses"]["200"]["content"]) == {"text/event-stream"}
        named = {parameter["name"] for parameter in streams["parameters"]}
        assert {"X-User-ID", "X-Session-ID", "X-Request-Timeout"} <= named
    properties = document["components"]["schemas"]["PromptRequest"]["properties"]
    assert set(properties) == {"prompt", "model", "provider", "system", "systemPrompt", "maxTokens", "temperature"}


def test_embeddings_are_described_and_have_no_stream(document: dict[str, Any]):
    operation = document["paths"]["/v1/embeddings"]["post"]
    assert set(operation["responses"]["200"]["content"]) == {"application/json"}
    properties = document["components"]["schemas"]["EmbeddingsRequest"]["properties"]
    assert {"model", "input", "dimensions", "encoding_format", "user"} <= set(properties)


async def test_the_examples_work(document: dict[str, Any]):
    async with gateway() as stage:
        assert (await stage.http.get("/openapi.json")).json()["paths"].keys() == document["paths"].keys()
        for path in (
            GENERATE,
            "/v1/chat/completions",
            "/v1/responses",
            BATCH,
            f"{PROMPT}/stream",
            f"{BATCH}/stream",
            PROMPT,
        ):
            example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
            assert (await stage.http.post(path, json=example)).status_code == 200


# --- whatever a client makes of the description, it gets a described answer and never a 500 ---

QUICK = settings(
    max_examples=10, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip


@pytest.fixture(scope="module")
def described(app: Service) -> BaseSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, methods in ROUTES.items() for method in methods])
def test_the_service_is_as_described(described: BaseSchema, path: str, method: str):
    cases = described[path][method].as_strategy()

    @QUICK
    @given(cases)
    def is_as_described(case: Case) -> None:
        response = case.call()
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=[response_schema_conformance, status_code_conformance])

    is_as_described()
