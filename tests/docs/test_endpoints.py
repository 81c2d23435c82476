"""What the documents promise, the services have: routes, and the error codes that operators look up."""

from __future__ import annotations

import re

import agent_http.app
import agent_websocket.app
import llm_gateway.app
import mcp_toolbox.app
import pytest
from service_kit.service import Service
from starlette.routing import WebSocketRoute

from tests.docs.repository import ROOT, files

EVERYWHERE = ("GET /health", "GET /healthz", "GET /readyz")
PROMISED = {
    llm_gateway.app: (
        "GET /mcp/llm/list", "POST /mcp/llm/generate", "GET /metrics", "POST /cache/clear",
        "POST /v1/chat/completions", "POST /v1/responses", "POST /v1/embeddings", "GET /v1/models",
        "GET /v1/models/{id}", "POST /api/v1/generate", "POST /api/v1/generate/stream", "POST /api/v1/generate/batch",
        "POST /api/v1/generate/batch/stream", "GET /api/v1/models", "GET /api/v1/status", "GET /status",
        "GET /api/v1/cache/stats", "POST /api/v1/cache/invalidate",
    ),
    mcp_toolbox.app: (
        "GET /mcp/tools/list", "POST /mcp/tools/list", "POST /mcp/tools/call", "POST /mcp", "GET /mcp", "DELETE /mcp",
        "GET /sse", "POST /messages/", "POST /mcp/tools/search", "GET /mcp/catalogue", "GET /",
        "POST /mcp/servers/check", "POST /mcp/servers", "POST /mcp/servers/{id}/reconnect",
        "DELETE /mcp/servers/{id}", "GET /mcp/calls",
    ),
    agent_http.app: ("POST /process", "POST /process/stream"),
    agent_websocket.app: ("GET /",),
}  # fmt: skip


EVERYWHERE_IDS = {"get_health", "get_liveness", "get_readiness"}
OPERATION_IDS = {
    llm_gateway.app: {
        "chat_completions", "clear_cache", "count_tokens", "embeddings", "generate", "generate_batch",
        "generate_prompt", "get_cache_stats", "get_metrics", "get_model", "get_prompt_status", "get_status",
        "invalidate_cache", "list_catalog", "list_models", "list_prompt_models", "messages",
        "open_prompt_socket", "responses",
        "stream_batch", "stream_prompt",
    },
    mcp_toolbox.app: {
        "add_servers", "call_tool", "check_servers", "get_catalog", "get_catalog_page", "get_recent_calls",
        "list_tools_get", "list_tools_post", "mcp_delete", "mcp_get",
        "mcp_post", "messages_post", "reconnect_server", "remove_server", "search_tools", "sse_get",
    },
    agent_http.app: {"process", "process_stream"},
    agent_websocket.app: {"get_chat_page", "open_conversation_socket", "open_socket"},
}  # fmt: skip
"""The names of the functions in clients that are generated from the descriptions: a change of one breaks them."""


@pytest.mark.parametrize("module", PROMISED, ids=lambda module: module.__name__.partition(".")[0])
def test_every_promised_route_is_described(module):
    app: Service
    app, _ = module.from_environment({})
    described = app.openapi()
    there = {
        f"{method.upper()} {re.sub(r'{.*?}', '{id}', path)}"
        for path, item in described["paths"].items()
        for method in item
    }
    assert {*EVERYWHERE, *PROMISED[module]} <= there
    for path, item in described["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary") or operation.get("description"), f"{method} {path} says nothing of itself"


@pytest.mark.parametrize("module", OPERATION_IDS, ids=lambda module: module.__name__.partition(".")[0])
def test_the_operation_ids_stay_as_they_are(module):
    app: Service
    app, _ = module.from_environment({})
    ids = [operation.get("operationId") for item in app.openapi()["paths"].values() for operation in item.values()]
    assert sorted(ids) == sorted(EVERYWHERE_IDS | OPERATION_IDS[module])


def test_the_sockets():
    for module, paths in {agent_websocket.app: {"/ws", "/ws/{connection_id}"}, llm_gateway.app: {"/ws"}}.items():
        app, _ = module.from_environment({})
        assert paths <= {route.path for route in app.routes if isinstance(route, WebSocketRoute)}


def test_the_error_codes_for_operators_exist():
    table = (ROOT / "docs/operations.md").read_text().partition("## When something is wrong")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {code for cell in rows for code in re.findall(r"`([a-z_]+)`", cell)}
    assert len(named) > 5
    code = "\n".join(path.read_text() for path in files("*/src/*.py"))
    assert {one for one in named if f'"{one}"' not in code} == set()
