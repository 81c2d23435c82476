"""The context that a tool gets of its call, and the progress that its client gets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_toolbox.app import create_app
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from service_kit.auth.keys import principal_of
from service_kit.edge.connections import Connections
from service_kit.edge.limits import ConnectionLimits
from service_kit.edge.protocol import HttpProtocol
from service_kit.ids import current_request_id, current_traceparent
from service_kit.settings import load
from service_kit.testing import running

from tests.mcp_toolbox.server.test_transports import ACCEPT, call, open_session
from tests.waiting import eventually

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Noted:
    """A tool that keeps what it learnt, and one that works until it is told to stop."""

    def __init__(self) -> None:
        self.contexts: list[CallContext] = []
        self.logged: list[tuple[str | None, str | None]] = []
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

    @property
    def note(self):
        async def note(context: CallContext) -> str:
            """Note the context."""
            self.contexts.append(context)
            self.logged.append((current_request_id.get(), current_traceparent.get()))
            return "noted"

        return from_function(note, Hints())

    @property
    def count(self):
        async def count(context: CallContext) -> str:
            """Count to three."""
            for i in (1, 2, 3):
                await context.progress(i, 3, f"{i} de 3")
            return "counted"

        return from_function(count, Hints())

    @property
    def work(self):
        async def work() -> str:
            """Work for a long time."""
            self.started.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
            return "done"

        return from_function(work, Hints())


@pytest.fixture
def noted() -> Noted:
    return Noted()


WAYS: dict[str, Callable[[str, Any], Any]] = {
    "streamable http, legacy": lambda url, http: Client(
        streamable_http_client(f"{url}/mcp", http_client=http), mode="legacy"
    ),
    "streamable http, current": lambda url, http: Client(streamable_http_client(f"{url}/mcp", http_client=http)),
    "sse, legacy": lambda url, http: Client(sse_client(f"{url}/sse", headers=dict(http.headers)), mode="legacy"),
    "sse, current": lambda url, http: Client(sse_client(f"{url}/sse", headers=dict(http.headers))),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_tool_knows_who_calls_and_the_trace(serve_toolbox: Any, noted: Noted, way: str):
    headers = {"x-api-key": "key-one", "x-request-id": "request-7", "traceparent": TRACE}
    async with (
        serve_toolbox(noted.note, AUTH_MODE="keys", API_KEYS="key-one") as url,
        httpx2.AsyncClient(headers=headers) as http,
        WAYS[way](url, http) as client,
    ):
        await client.call_tool("note", {})
    (context,) = noted.contexts
    assert context.principal == principal_of("key-one")
    assert context.request_id == "request-7"
    assert context.traceparent
    assert re.fullmatch(r"00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01", context.traceparent)
    assert noted.logged == [("request-7", context.traceparent)]


@pytest.mark.parametrize("way", WAYS)
async def test_the_trace_of_the_message_goes_before_that_of_http(serve_toolbox: Any, noted: Noted, way: str):
    theirs = "00-" + "a" * 32 + "-" + "b" * 16 + "-00"
    async with (
        serve_toolbox(noted.note) as url,
        httpx2.AsyncClient(headers={"traceparent": TRACE}) as http,
        WAYS[way](url, http) as client,
    ):
        await client.call_tool("note", {}, meta={"traceparent": theirs})
    (context,) = noted.contexts
    assert context.traceparent
    assert context.traceparent.startswith("00-" + "a" * 32)
    assert context.traceparent != theirs


@pytest.mark.parametrize("given", ["", "x", 7, None, [], "00-" + "0" * 32 + "-" + "b" * 16 + "-00", "ñ" * 1000])
async def test_a_trace_that_is_none_is_ignored(serve_toolbox: Any, noted: Noted, modern: Any, given: Any):
    async with serve_toolbox(noted.note) as url, httpx.AsyncClient(base_url=url) as http:
        request = modern("tools/call", {"name": "note", "arguments": {}})
        request["json"]["params"]["_meta"]["traceparent"] = given
        assert (await http.post("/mcp", **request)).status_code == 200
        await http.post("/mcp/tools/call", json={"name": "note"}, headers={"traceparent": "nonsense"})
    for context in noted.contexts:
        assert context.traceparent is None or not context.traceparent.startswith("00-" + "0" * 32)


async def test_rest_has_the_same_context(serve_toolbox: Any, noted: Noted):
    headers = {"x-api-key": "key-one", "x-request-id": "request-7", "traceparent": TRACE}
    async with (
        serve_toolbox(noted.note, AUTH_MODE="keys", API_KEYS="key-one") as url,
        httpx.AsyncClient(base_url=url, headers=headers) as http,
    ):
        await http.post("/mcp/tools/call", json={"name": "note"})
    (context,) = noted.contexts
    assert (context.principal, context.request_id) == (principal_of("key-one"), "request-7")
    assert context.traceparent
    assert context.traceparent.startswith(TRACE[:36])


@pytest.mark.parametrize("way", WAYS)
async def test_progress_is_told_to_who_asked(serve_toolbox: Any, noted: Noted, way: str):
    told: list[tuple[float, float | None, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total, message))

    async with serve_toolbox(noted.count) as url, httpx2.AsyncClient() as http, WAYS[way](url, http) as client:
        assert not (await client.call_tool("count", {})).is_error
        assert told == []
        assert not (await client.call_tool("count", {}, progress_callback=progress)).is_error
        await eventually(lambda: len(told) == 3)
    assert told == [(1, 3, "1 de 3"), (2, 3, "2 de 3"), (3, 3, "3 de 3")]


async def test_a_call_may_be_cancelled(serve_toolbox: Any, noted: Noted):
    async with serve_toolbox(noted.work) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        session = await open_session(http)
        running = asyncio.create_task(http.post("/mcp", headers=session, json=call("work", {}, 9)))
        await asyncio.wait_for(noted.started.wait(), 5)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}}
        assert (await http.post("/mcp", headers=session, json=cancelled)).status_code == 202
        await asyncio.wait_for(noted.cancelled.wait(), 5)
        answer = (await running).text
        assert json.loads(answer.partition("data: ")[2])["error"]["message"] == "Request cancelled"


async def test_a_call_of_another_session_may_not(serve_toolbox: Any, noted: Noted):
    async with serve_toolbox(noted.work) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        one, two = await open_session(http), await open_session(http)
        running = asyncio.create_task(http.post("/mcp", headers=one, json=call("work", {}, 9)))
        await asyncio.wait_for(noted.started.wait(), 5)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}}
        await http.post("/mcp", headers=two, json=cancelled)
        for session in (two, one):  # answered after what came before has been dealt with
            await http.post("/mcp", headers=session, json=call("add", {"a": 1, "b": 2}, 10))
        assert not noted.cancelled.is_set()
        running.cancel()


async def test_who_leaves_cancels_a_call_of_the_current_revision(serve_toolbox: Any, noted: Noted, modern: Any):
    async with serve_toolbox(noted.work) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        running = asyncio.create_task(http.post("/mcp", **modern("tools/call", {"name": "work", "arguments": {}})))
        await asyncio.wait_for(noted.started.wait(), 5)
        running.cancel()
        await asyncio.wait_for(noted.cancelled.wait(), 5)
        again = await http.post("/mcp", **modern("tools/call", {"name": "add", "arguments": {"a": 1, "b": 2}}))
        assert again.json()["result"]["structuredContent"] == {"result": 3}


async def test_a_rest_client_that_leaves_cancels_its_call(noted: Noted, registry: ToolRegistry, tmp_path: Path):
    environ = {"AUDIT_LOG": str(tmp_path / "audit")}
    app = create_app(load(ToolboxSettings, environ), ToolRegistry([*registry, noted.work]))
    protocol = partial(HttpProtocol, register=Connections(ConnectionLimits(), app.refusals, "en"))
    async with running(app, http=protocol) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        call = asyncio.create_task(http.post("/mcp/tools/call", json={"name": "work"}))
        await asyncio.wait_for(noted.started.wait(), 5)
        call.cancel()
        await asyncio.wait_for(noted.cancelled.wait(), 5)
        again = await http.post("/mcp/tools/call", json={"name": "add", "arguments": {"a": 1, "b": 2}})
        assert again.json()["structuredContent"] == {"result": 3}
    outcomes = [json.loads(line)["outcome"] for line in (tmp_path / "audit").read_text("utf-8").splitlines()]
    assert outcomes == ["cancelled", "ok"]


@pytest.mark.parametrize(
    ("named", "user"), [("ana", "ana"), ("ana@x.com", "ana@x.com"), ("", ""), ("anonymous", ""), ("a b", "c8687a08")]
)
async def test_the_end_user_is_known_on_every_way(serve_toolbox: Any, noted: Noted, modern: Any, named: str, user: str):
    async with serve_toolbox(noted.note) as url, httpx.AsyncClient(base_url=url) as http:
        await http.post("/mcp/tools/call", json={"name": "note"}, headers={"x-user-id": named})
        request = modern("tools/call", {"name": "note", "arguments": {}})
        request["json"]["params"]["_meta"]["agent-suite/user"] = named
        await http.post("/mcp", **request)
    assert [context.user[: len(user) or None] for context in noted.contexts] == [user] * 2


async def test_a_session_that_is_deleted_cancels_its_calls(serve_toolbox: Any, noted: Noted):
    async with serve_toolbox(noted.work) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        session = await open_session(http)
        running = asyncio.create_task(http.post("/mcp", headers=session, json=call("work", {}, 9)))
        await asyncio.wait_for(noted.started.wait(), 5)
        assert (await http.delete("/mcp", headers={**ACCEPT, **session})).status_code == 200
        await asyncio.wait_for(noted.cancelled.wait(), 5)
        await asyncio.wait([running])
