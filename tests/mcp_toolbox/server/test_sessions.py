"""Sessions of Streamable HTTP are bounded for each principal, and so is what one of them keeps."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from mcp_toolbox.server.sessions import PER_PRINCIPAL

ACCEPT = {"accept": "application/json, text/event-stream"}
KEYS = {"AUTH_MODE": "keys", "API_KEYS": "alices-key-0123456789,bobs-key-0123456789"}


def initialize(name: str = "wire") -> dict[str, Any]:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": name, "version": "1"}}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


async def opened(http: httpx.AsyncClient, **headers: str) -> str:
    response = await http.post("/mcp", headers={**ACCEPT, **headers}, json=initialize())
    assert response.status_code == 200
    return response.headers["mcp-session-id"]


async def lives(http: httpx.AsyncClient, session: str, **headers: str) -> bool:
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    response = await http.post("/mcp", headers={**ACCEPT, "mcp-session-id": session, **headers}, json=ping)
    assert response.status_code in (200, 404)
    return response.status_code == 200


async def test_the_least_recently_used_session_of_a_principal_gives_way_and_no_other(serve_toolbox: Any):
    alice, bob = {"x-api-key": "alices-key-0123456789"}, {"x-api-key": "bobs-key-0123456789"}
    async with serve_toolbox(**KEYS) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
        bobs = await opened(http, **bob)
        first, second = await opened(http, **alice), await opened(http, **alice)
        for _ in range(PER_PRINCIPAL - 2):
            last = await opened(http, **alice)
        assert await lives(http, first, **alice)  # which makes the second the least recently used
        await opened(http, **alice)
        assert not await lives(http, second, **alice)
        assert await lives(http, first, **alice)
        assert await lives(http, last, **alice)
        assert await lives(http, bobs, **bob)


@pytest.mark.parametrize("size", [70_000, 3_000_000])
async def test_an_opening_message_that_is_long_is_refused_and_nothing_of_it_kept(http: httpx.AsyncClient, size: int):
    response = await http.post("/mcp", headers=ACCEPT, json=initialize("a" * size))
    assert response.status_code == 413
    assert "mcp-session-id" not in response.headers
