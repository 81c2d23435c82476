from __future__ import annotations

from typing import Any

import httpx
import pytest
from mcp_toolbox.app import from_environment
from mcp_toolbox.registry.tool import Hints, from_function
from service_kit.settings import SettingsError

KEYS = {"AUTH_MODE": "keys", "API_KEYS": "key-one,key-two"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "wire", "version": "1"},
    },
}
ACCEPT = {"accept": "application/json, text/event-stream"}
WAYS_IN = [
    ("POST", "/mcp"),
    ("GET", "/mcp"),
    ("DELETE", "/mcp"),
    ("GET", "/sse"),
    ("POST", "/messages/"),
    ("GET", "/mcp/tools/list"),
    ("POST", "/mcp/tools/list"),
    ("POST", "/mcp/tools/call"),
]


async def test_health_says_what_the_contract_says(http: httpx.AsyncClient):
    health = (await http.get("/health")).json()
    loops = {loop["name"]: loop["state"] for loop in health.pop("background")}
    assert loops == dict.fromkeys(("access log", "refusals", "audit", "end of streams"), "running")
    assert health == {
        "status": "healthy",
        "service": "mcp-toolbox",
        "tools_count": 4,
        "protocol": "MCP over HTTP REST",
        "servers": {},
        "version": "0.1.0",
    }
    assert (await http.get("/healthz")).status_code == 200
    assert (await http.get("/readyz")).status_code == 200


def another() -> str:
    """Be one more tool in the list."""
    return "here"


async def test_health_counts_what_the_list_lists(serve_toolbox: Any):
    async with serve_toolbox(from_function(another, Hints())) as url, httpx.AsyncClient(base_url=url) as http:
        listed = (await http.get("/mcp/tools/list")).json()["tools"]
        assert (await http.get("/health")).json()["tools_count"] == len(listed) == 5


async def test_a_strange_host_or_page_is_refused_everywhere(http: httpx.AsyncClient):
    for method, path in WAYS_IN:
        response = await http.request(method, path, headers={"host": "evil.example"})
        assert (path, response.status_code, response.json()["error"]["code"]) == (path, 421, "host_not_allowed")
        for origin in ("https://evil.example", "null"):
            response = await http.request(method, path, headers={"origin": origin})
            assert (path, response.status_code, response.json()["error"]["code"]) == (path, 403, "origin_not_allowed")


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        ({"ALLOWED_HOSTS": "mcp-toolbox.mcp-system.svc.cluster.local"}, {}),
        ({"ALLOWED_HOSTS": "mcp-toolbox.mcp-system.svc.cluster.local:8000"}, {}),
        ({"ALLOWED_HOSTS": "*"}, {}),
        ({"ALLOWED_HOSTS": "*.cluster.local", "CORS_ALLOWED_ORIGINS": "https://app.example"}, {"origin": "https://app.example"}),
        ({"ALLOWED_HOSTS": "*", "CORS_ALLOW_ALL_ORIGINS": "true"}, {"origin": "https://any.example"}),
    ],
)  # fmt: skip
async def test_mcp_and_rest_agree_on_hosts_and_origins(
    serve_toolbox: Any, modern: Any, environ: dict[str, str], headers: dict[str, str]
):
    headers = {"host": "mcp-toolbox.mcp-system.svc.cluster.local:8000", **headers}
    async with serve_toolbox(**environ) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/mcp/tools/list", headers=headers)).status_code == 200
        request = modern("tools/list")
        assert (await http.post("/mcp", headers={**request["headers"], **headers}, json=request["json"])).is_success
        legacy = await http.post("/mcp", headers={**ACCEPT, **headers}, json=INITIALIZE)
        assert legacy.status_code == 200
        async with http.stream("GET", "/sse", headers=headers) as stream:
            assert stream.status_code == 200


async def test_a_key_is_asked_for_everywhere(serve_toolbox: Any):
    async with serve_toolbox(**KEYS) as url, httpx.AsyncClient(base_url=url) as http:
        for method, path in WAYS_IN:
            missing = await http.request(method, path)
            assert (path, missing.status_code, missing.json()["error"]["code"]) == (path, 401, "missing_api_key")
            wrong = await http.request(method, path, headers={"x-api-key": "guess"})
            assert (path, wrong.status_code, wrong.json()["error"]["code"]) == (path, 401, "invalid_api_key")


@pytest.mark.parametrize("key", [{"authorization": "Bearer key-one"}, {"x-api-key": "key-two"}])
async def test_a_key_opens_every_way_in(serve_toolbox: Any, modern: Any, key: dict[str, str]):
    async with serve_toolbox(**KEYS) as url, httpx.AsyncClient(base_url=url, headers=key) as http:
        assert (await http.get("/mcp/tools/list")).status_code == 200
        assert (await http.post("/mcp", **modern("tools/list"))).status_code == 200
        assert (await http.post("/mcp", headers=ACCEPT, json=INITIALIZE)).status_code == 200
        async with http.stream("GET", "/sse") as stream:
            assert stream.status_code == 200


async def test_health_needs_no_key(serve_toolbox: Any):
    async with serve_toolbox(**KEYS) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/health")).status_code == 200
        assert (await http.get("/healthz")).status_code == 200


async def test_a_session_answers_only_to_the_key_that_opened_it(serve_toolbox: Any):
    async with serve_toolbox(**KEYS) as url, httpx.AsyncClient(base_url=url) as http:
        one, two = {**ACCEPT, "x-api-key": "key-one"}, {**ACCEPT, "x-api-key": "key-two"}
        opened = await http.post("/mcp", headers=one, json=INITIALIZE)
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert (await http.post("/mcp", headers={**two, **session}, json=ping)).status_code == 404
        assert (await http.post("/mcp", headers={**one, **session}, json=ping)).status_code == 200


async def test_every_route_works_behind_a_prefix(serve_toolbox: Any, modern: Any):
    async with serve_toolbox(ROOT_PATH="/api/tools") as url, httpx.AsyncClient(base_url=f"{url}/api/tools") as http:
        assert (await http.get("/health")).json()["tools_count"] == 4
        assert len((await http.get("/mcp/tools/list")).json()["tools"]) == 4
        called = await http.post("/mcp/tools/call", json={"name": "add", "arguments": {"a": 5, "b": 3}})
        assert called.json()["structuredContent"] == {"result": 8}
        assert (await http.post("/mcp", **modern("tools/list"))).status_code == 200
        async with http.stream("GET", "/sse") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "event: endpoint"
            endpoint = (await anext(lines)).removeprefix("data: ")
            assert endpoint.startswith("/api/tools/messages/?session_id=")
            posted = await http.post(f"{url}{endpoint}", json=INITIALIZE)
            assert posted.status_code == 202


async def test_a_trailing_slash_leads_to_mcp(http: httpx.AsyncClient, modern: Any):
    response = await http.post("/mcp/", follow_redirects=True, **modern("tools/list"))
    assert response.status_code == 200
    assert len(response.json()["result"]["tools"]) == 4


def test_a_setting_that_does_not_parse_is_named():
    with pytest.raises(SettingsError, match="PORT"):
        from_environment({"PORT": "eighty"})


def test_an_empty_variable_is_unset():
    _, settings = from_environment({"PORT": "", "HOST": ""})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
