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
        "GET /v1/models/{id}",
    ),
    mcp_toolbox.app: (
        "GET /mcp/tools/list", "POST /mcp/tools/list", "POST /mcp/tools/call", "POST /mcp", "GET /mcp", "DELETE /mcp",
        "GET /sse", "POST /messages/", "POST /mcp/tools/search", "GET /mcp/catalogue", "GET /",
    ),
    agent_http.app: ("POST /process", "POST /process/stream"),
    agent_websocket.app: ("GET /",),
}  # fmt: skip


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


def test_the_sockets():
    app, _ = agent_websocket.app.from_environment({})
    assert {"/ws", "/ws/{connection_id}"} <= {route.path for route in app.routes if isinstance(route, WebSocketRoute)}


def test_the_error_codes_for_operators_exist():
    table = (ROOT / "docs/operations.md").read_text().partition("## When something is wrong")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {code for cell in rows for code in re.findall(r"`([a-z_]+)`", cell)}
    assert len(named) > 5
    code = "\n".join(path.read_text() for path in files("*/src/*.py"))
    assert {one for one in named if f'"{one}"' not in code} == set()
