"""Sessions of Streamable HTTP: their number is limited for each principal, and so is the size of what one keeps."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from typing import Any

import httpx
import pytest
from mcp.server.runner import ServerRunner
from mcp_toolbox.app import create_app
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.sessions import PER_PRINCIPAL, BoundedSessions
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running

from tests.waiting import eventually

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


async def test_an_ended_session_waits_for_no_full_garbage_collection(http: httpx.AsyncClient):
    sessions = [await opened(http) for _ in range(10)]
    gc.collect()  # what is alive now is walked only by the next full collection, which may be hours away
    runners = [weakref.ref(each) for each in gc.get_objects() if isinstance(each, ServerRunner)]
    assert len(runners) >= 10
    for session in sessions:
        assert (await http.delete("/mcp", headers={**ACCEPT, "mcp-session-id": session})).status_code == 200

    def freed() -> bool:
        gc.collect(0)
        return not any(runner() for runner in runners)

    await eventually(freed)


async def test_sessions_that_give_way_or_find_no_room_are_counted_for_the_log(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mcp_toolbox.server.transports.BoundedSessions", partial(BoundedSessions, per_principal=1))
    app = create_app(load(ToolboxSettings, {}), ToolRegistry([]))
    counted: list[str] = []
    monkeypatch.setattr(app.refusals, "count", lambda kind, client: counted.append(kind))
    async with running(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
        first = await opened(http)
        second = await opened(http)
        assert not await lives(http, first)
        assert counted == ["session_gave_way"]
        headers = {**ACCEPT, "mcp-session-id": second}
        async with http.stream("GET", "/mcp", headers=headers) as stream:
            assert stream.status_code == 200
            assert (await http.post("/mcp", headers=ACCEPT, json=initialize())).status_code == 503
        assert counted == ["session_gave_way", "too_many_sessions"]
