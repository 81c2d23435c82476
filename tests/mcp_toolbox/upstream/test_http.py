"""Servers reached by URL: the SDK's own over both transports, and some that misbehave."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_toolbox.registry.context import CallContext
from pydantic import BaseModel
from service_kit.testing import running as serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.certificates import Authority
from tests.proxy import basic, proxying
from tests.waiting import eventually

Handler = Callable[[Request], Awaitable[Response]]


class Sum(BaseModel):
    total: int


def official() -> MCPServer:
    """A server built with the official SDK."""
    server = MCPServer("official")

    @server.tool()
    def add(a: int, b: int) -> Sum:
        """Add two numbers."""
        return Sum(total=a + b)

    @server.tool()
    async def work(context: Context[Any], seconds: float) -> str:
        """Work for a while."""
        working.set()
        await context.report_progress(1, 2, "half")
        await asyncio.sleep(seconds)
        return "done"

    @server.tool()
    def big(size: int) -> str:
        """Say a lot."""
        return "x" * size

    @server.tool()
    def wrong() -> str:
        """Fail."""
        raise ToolError("as it must be")

    @server.tool()
    def trace(context: Context[Any]) -> str:
        """Say which trace this call belongs to."""
        return str((context.request_context.meta or {}).get("traceparent"))

    return server


working = threading.Event()
"""Set when the tool `work` has begun; one for all, since the server that runs it is in this process."""

APPS: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "http": lambda: (official().streamable_http_app(), {"path": "/mcp"}),
    "json": lambda: (official().streamable_http_app(json_response=True), {"path": "/mcp"}),
    "sse": lambda: (official().sse_app(), {"path": "/sse", "type": "sse"}),
}


@pytest.fixture(params=APPS)
async def web(request: pytest.FixtureRequest, upstreams_of: Any) -> AsyncIterator[Any]:
    app, entry = APPS[request.param]()
    async with serving(app) as url:
        entry = {"max_result_bytes": 100_000, "timeout_seconds": 10, "url": url + entry.pop("path"), **entry}
        async with upstreams_of({"web": entry}) as upstreams:
            await upstreams.connected("web")
            yield upstreams


async def test_the_sdks_own_server_over_every_transport(web: Any):
    assert web.names() == ["web__add", "web__big", "web__trace", "web__work", "web__wrong"]
    result = await web.registry.call("web__add", {"a": 5, "b": 3})
    assert result.structured == {"total": 8}
    assert web.registry.get("web__add").output_schema["required"] == ["total"]
    wrong = await web.registry.call("web__wrong", {})
    assert wrong.is_error
    assert "as it must be" in wrong.text
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    answer = await web.registry.call("web__trace", {}, CallContext(traceparent=trace))
    assert answer.text == trace


async def test_a_server_on_the_internet_is_reached_through_the_environments_proxy(
    upstreams_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    authority = Authority(tmp_path)
    authority.serving("localhost")
    async with (
        serving(official().streamable_http_app(), ssl_certfile=str(tmp_path / "localhost.pem")) as url,
        proxying(wants=basic("user", "secret")) as proxy,
    ):
        port = url.rpartition(":")[2]
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        async with upstreams_of({"web": {"url": f"https://localhost:{port}/mcp"}}) as running:
            await running.connected("web")
            assert (await running.registry.call("web__add", {"a": 5, "b": 3})).structured == {"total": 8}
    assert set(proxy.asked) == {f"CONNECT localhost:{port}"}


async def test_many_calls_at_a_time(web: Any):
    calls = [web.registry.call("web__add", {"a": number, "b": 1}) for number in range(50)]
    assert [call.structured["total"] for call in await asyncio.gather(*calls)] == [number + 1 for number in range(50)]


async def test_a_large_answer_fails_alone(web: Any):
    assert len(await web.text("web__big", size=20_000)) == 20_000
    for size in (100_001, 2_000_000):
        result = await web.registry.call("web__big", {"size": size})
        assert result.is_error
        assert "bytes" in result.text or "large" in result.text or "limit" in result.text
    await web.connected("web")
    assert len(await web.text("web__big", size=20_000)) == 20_000


async def test_a_cancelled_call_leaves_the_connection_alone(web: Any):
    working.clear()
    call = asyncio.create_task(web.registry.call("web__work", {"seconds": 30}))
    await eventually(working.is_set)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await web.text("web__work", seconds=0) == "done"
    assert web.status("web") == "connected"


@pytest.mark.parametrize("kind", ["http", "sse"])
async def test_progress_comes_through(upstreams_of: Any, kind: str):
    app, entry = APPS[kind]()
    heard: list[Any] = []

    async def report(*progress: Any) -> None:
        heard.append(progress)

    async with serving(app) as url, upstreams_of({"web": {"url": url + entry.pop("path"), **entry}}) as upstreams:
        await upstreams.connected("web")
        await upstreams.registry.call("web__work", {"seconds": 0.2}, CallContext(report=report))
    assert heard == [(1.0, 2.0, "half")]


# --- servers that misbehave ---


def by_hand(handler: Handler) -> Starlette:
    return Starlette(routes=[Route("/mcp", handler, methods=["POST", "GET", "DELETE"])])


def answer(message: dict[str, Any], tools: list[dict[str, Any]] | None = None) -> dict[str, Any] | None:
    """What a small server of 2025-11-25 says."""
    listed = [{"name": "echo", "inputSchema": {"type": "object"}}] if tools is None else tools
    results: dict[str, Any] = {
        "initialize": {
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"},
        },
        "tools/list": {"tools": listed},
        "tools/call": {"content": [{"type": "text", "text": "here"}]},
    }  # fmt: skip
    if "id" not in message:
        return None
    if message["method"] not in results:
        return {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}
    return {"jsonrpc": "2.0", "id": message["id"], "result": results[message["method"]]}


async def replied(request: Request, call: Callable[[dict[str, Any]], Response]) -> Response:
    """What it says, but for calls, which `call` answers."""
    if request.method != "POST":
        return Response(status_code=405)
    message = json.loads(await request.body())
    if message.get("method") == "tools/call":
        return call(message)
    said = answer(message)
    return JSONResponse(said) if said else Response(status_code=202)


def cut(body: bytes, content_type: str) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield body
        raise ConnectionResetError

    return StreamingResponse(parts(), media_type=content_type)


@pytest.mark.parametrize(
    "call",
    [
        lambda _: Response("oops", 500), lambda _: JSONResponse({"error": "no"}, 500),
        lambda _: Response(status_code=202),
        lambda _: Response("<html>", media_type="text/html"), lambda _: Response("{", media_type="application/json"),
        lambda _: JSONResponse([]), lambda m: JSONResponse({"jsonrpc": "2.0", "id": m["id"], "result": {"content": 7}}),
        lambda _: cut(b'{"jsonrpc": "2.0", "id"', "application/json"), lambda _: cut(b"data: {", "text/event-stream"),
        lambda _: Response("", media_type="text/event-stream"),
        lambda _: Response("data: {\n\n", media_type="text/event-stream"),
        lambda _: Response(b"\x1f\x8b garbage", headers={"content-encoding": "gzip"}, media_type="application/json"),
        lambda _: JSONResponse({"x": "y" * 200_000}), lambda _: RedirectResponse("http://127.0.0.2:9/mcp", 307),
        lambda _: Response("data: " + "y" * 200_000 + "\n\n", media_type="text/event-stream"),
    ],
)  # fmt: skip
async def test_a_wrong_answer_is_an_error_of_its_call(upstreams_of: Any, call: Callable[[dict[str, Any]], Response]):
    wrong = [True]

    async def handler(request: Request) -> Response:
        return await replied(request, call if wrong[0] else lambda message: JSONResponse(answer(message)))

    async with serving(by_hand(handler)) as url:
        entry = {"url": f"{url}/mcp", "max_result_bytes": 100_000, "timeout_seconds": 20}
        async with upstreams_of({"web": entry}) as upstreams:
            await upstreams.connected("web")
            started = time.monotonic()
            result = await upstreams.registry.call("web__echo", {})
            assert result.is_error
            assert time.monotonic() - started < 15
            wrong[0] = False
            await upstreams.connected("web")
            assert await upstreams.text("web__echo") == "here"


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (lambda: Response("who are you", 401), "answered HTTP 401"),
        (lambda: Response(status_code=503), "answered HTTP 503"),
        (lambda: RedirectResponse("http://127.0.0.2:9/mcp", 307), "refused the connection (error -32600)"),
        (lambda: Response("hello", media_type="text/plain"), "refused the connection (error -32600)"),
    ],
)
async def test_an_address_that_is_no_server_says_why(
    upstreams_of: Any, eventually: Any, response: Callable[[], Response], reason: str
):
    async def handler(request: Request) -> Response:
        return response()

    async with serving(by_hand(handler)) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        assert await eventually(lambda: upstreams.server("web").get("error")) == reason


@pytest.mark.parametrize("kind", ["http", "sse"])
async def test_nobody_listens(upstreams_of: Any, eventually: Any, kind: str):
    async with upstreams_of({"web": {"url": "http://127.0.0.1:9/mcp", "type": kind}}) as upstreams:
        assert await eventually(lambda: upstreams.server("web").get("error")) == "cannot be reached"
        assert "127.0.0.1" not in json.dumps(upstreams.upstreams.to_health())


async def test_headers_by_reference(upstreams_of: Any):
    seen: list[str | None] = []

    async def handler(request: Request) -> Response:
        seen.append(request.headers.get("authorization"))
        return await replied(request, lambda message: JSONResponse(answer(message)))

    async with serving(by_hand(handler)) as url:
        entry = {"url": "${WHERE}/mcp", "headers": {"Authorization": "Bearer ${KEY_OF_WEB}"}}
        async with upstreams_of({"web": entry}, {"WHERE": url, "KEY_OF_WEB": "k3y"}) as upstreams:
            await upstreams.connected("web")
            assert await upstreams.text("web__echo") == "here"
    assert set(seen) == {"Bearer k3y"}


async def test_a_header_that_no_header_can_have(upstreams_of: Any, eventually: Any):
    async with upstreams_of({"web": {"url": "http://127.0.0.1:9/", "headers": {"X": "列"}}}) as upstreams:
        await eventually(lambda: upstreams.status("web") == "failed")


async def test_a_server_that_goes_away_and_comes_back(upstreams_of: Any, eventually: Any):
    there = [True]

    async def handler(request: Request) -> Response:
        if not there[0]:
            return Response(status_code=503)
        return await replied(request, lambda message: JSONResponse(answer(message)))

    async with serving(by_hand(handler)) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        await upstreams.connected("web")
        there[0] = False
        result = await upstreams.registry.call("web__echo", {})
        assert result.is_error
        assert await eventually(lambda: upstreams.server("web").get("error")) == "answered HTTP 503"
        assert upstreams.names() == []
        there[0] = True
        await upstreams.connected("web")
        assert await upstreams.text("web__echo") == "here"


async def test_tools_with_unusable_schemas_cost_only_themselves(upstreams_of: Any):
    tools: list[dict[str, Any]] = [
        {"name": "good", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object", "required": ["a"]}},
        {"name": "odd_output", "inputSchema": {"type": "object"}, "outputSchema": {"type": "nonsense"}},
        {"name": "list_output", "inputSchema": {"type": "object"}, "outputSchema": {"type": "array"}},
        {"name": "no_object", "inputSchema": {"type": "string"}},
        {"name": "no_schema", "inputSchema": {"type": "object", "properties": 5}},
        {"name": "good", "inputSchema": {"type": "object"}, "description": "again"},
    ]

    async def handler(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        said = answer(json.loads(await request.body()), tools)
        return JSONResponse(said) if said else Response(status_code=202)

    async with serving(by_hand(handler)) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        await upstreams.connected("web")
        assert upstreams.names() == ["web__good", "web__list_output", "web__odd_output"]
        assert len(upstreams.server("web")["problems"]) == 5
        promised = await upstreams.registry.call("web__good", {})
        assert promised.is_error
        assert "output schema promises" in promised.text
        assert upstreams.registry.get("web__odd_output").output_schema is None
        assert await upstreams.text("web__odd_output") == "here"
