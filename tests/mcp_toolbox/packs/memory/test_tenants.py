"""Whose memory a call sees, over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_toolbox.app import from_environment
from service_kit.testing import running


async def _kept(url: str, key: str, user: Any, mode: str) -> int:
    """How many documents a caller with this key sees, for this user of its own."""
    meta: Any = {} if user is None else {"agent-suite/user": user}
    async with (
        httpx2.AsyncClient(headers={"x-api-key": key}) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        answer = await client.call_tool("listar_documentos", {}, meta=meta)
    assert answer.structured_content is not None
    return answer.structured_content["result"]["total"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_memory_belongs_to_a_key_and_to_a_user_of_it(tmp_path: Path, mode: str):
    environ = {
        "TOOL_PACKS": "memory", "TOOLBOX_DB": str(tmp_path / "toolbox.db"), "AUTH_MODE": "keys",
        "API_KEYS": "key-one,key-two",
    }  # fmt: skip
    app, _ = from_environment(environ)
    arguments = {"texto": "La tortilla lleva huevos."}
    async with running(app) as url:
        async with (
            httpx2.AsyncClient(headers={"x-api-key": "key-one"}) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
        ):
            await client.call_tool("memorizar_informacion", arguments, meta={"agent-suite/user": "ana"})
            await client.call_tool("memorizar_informacion", arguments, meta={"agent-suite/user": "señora / Δ" * 50})
        assert await _kept(url, "key-one", "ana", mode) == 1
        assert await _kept(url, "key-one", "señora / Δ" * 50, mode) == 1
        for key, user in (
            ("key-one", None), ("key-one", "luis"), ("key-one", ""), ("key-one", "ANA"), ("key-one", "señora"),
            ("key-two", None), ("key-two", "ana"), ("key-two", "key-one/ana"),
        ):  # fmt: skip
            assert await _kept(url, key, user, mode) == 0, (key, user)


async def test_over_rest_a_memory_belongs_to_a_key_and_nothing_is_deleted(tmp_path: Path):
    environ = {
        "TOOL_PACKS": "memory", "TOOLBOX_DB": str(tmp_path / "toolbox.db"), "AUTH_MODE": "keys",
        "API_KEYS": "key-one,key-two",
    }  # fmt: skip
    app, _ = from_environment(environ)
    async with running(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:

        async def call(key: str, name: str, arguments: dict[str, Any]) -> httpx.Response:
            body = {"name": name, "arguments": arguments}
            return await http.post("/mcp/tools/call", json=body, headers={"x-api-key": key})

        memorized = await call("key-one", "memorizar_informacion", {"texto": "huevos"})
        kept = memorized.json()["structuredContent"]["result"]
        seen = {key: (await call(key, "listar_documentos", {})).json() for key in ("key-one", "key-two")}
        assert [seen[key]["structuredContent"]["result"]["total"] for key in ("key-one", "key-two")] == [1, 0]
        deleted = await call("key-one", "borrar_documento", {"id": kept["id"]})
        assert (deleted.status_code, deleted.json()["error"]["code"]) == (403, "approval_required")
