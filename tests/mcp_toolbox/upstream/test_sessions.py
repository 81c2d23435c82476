"""Sessions of other servers that are lost: renewed at once, and the calls that did not run are sent again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from service_kit.testing import running as serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.mcp_toolbox.upstream.test_http import answer


def error(code: int, message: str, status: int) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}, status)


LOST: dict[str, Callable[[], Response]] = {
    "404 of the specification": lambda: Response(status_code=404),
    "404 of the TypeScript SDK": lambda: error(-32001, "Session not found", 404),
    "404 in plain words": lambda: Response("Session not found", 404),
    "404 without its reason": lambda: error(-32600, "Not found", 404),
    "400 of a TypeScript server": lambda: error(-32000, "Bad Request: No valid session ID provided", 400),
    "400 of a server that was restarted": lambda: error(-32000, "Bad Request: Server not initialized", 400),
    "400 in plain words": lambda: Response("Invalid session ID", 400),
    "400 by its code": lambda: error(-32001, "who?", 400),
    "410": lambda: Response(status_code=410),
    "409": lambda: Response("the session has expired", 409),
    "an error inside a 200": lambda: error(-32001, "Session not found", 200),
}


class Forgetful:
    """A server of Streamable HTTP with sessions, which forgets them when told."""

    def __init__(self, refusal: Callable[[], Response]) -> None:
        self.refusal = refusal
        self.sessions: set[str] = set()
        self.opened = self.ran = 0
        self.app = Starlette(routes=[Route("/mcp", self.handle, methods=["POST", "GET", "DELETE"])])

    async def handle(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        message = json.loads(await request.body())
        if message.get("method") == "initialize":
            self.opened += 1
            name = str(uuid4())
            self.sessions.add(name)
            return JSONResponse(answer(message), headers={"mcp-session-id": name})
        if message.get("method") == "server/discover":
            return JSONResponse(answer(message))
        if request.headers.get("mcp-session-id") not in self.sessions:
            refused = self.refusal()
            if refused.status_code == 200:
                body = {**json.loads(bytes(refused.body)), "id": message.get("id")}
                return JSONResponse(body) if "id" in message else Response(status_code=202)
            return refused
        self.ran += message.get("method") == "tools/call"
        said = answer(message)
        return JSONResponse(said) if said else Response(status_code=202)


@pytest.mark.parametrize("reason", LOST)
async def test_a_lost_session_is_renewed_and_the_call_sent_again(upstreams_of: Any, reason: str):
    server = Forgetful(LOST[reason])
    async with serving(server.app) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        await upstreams.connected("web")
        for turn in range(1, 4):
            server.sessions.clear()
            started = time.monotonic()
            assert await upstreams.text("web__echo") == "here"
            assert time.monotonic() - started < 2
            assert (server.opened, server.ran) == (1 + turn, turn)
            assert upstreams.status("web") == "connected"


async def test_calls_at_a_time_renew_once(upstreams_of: Any):
    server = Forgetful(LOST["404 of the specification"])
    async with serving(server.app) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        await upstreams.connected("web")
        server.sessions.clear()
        assert await asyncio.gather(*(upstreams.text("web__echo") for _ in range(12))) == ["here"] * 12
        assert (server.opened, server.ran) == (2, 12)


async def test_a_server_that_loses_every_session_ends_the_call(upstreams_of: Any, eventually: Any):
    server = Forgetful(LOST["404 of the specification"])
    async with serving(server.app) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        await upstreams.connected("web")
        server.refusal = lambda: Response(status_code=404)
        add = server.sessions.add
        server.sessions = type("None", (set,), {"add": lambda *_: None})()
        started = time.monotonic()
        result = await upstreams.registry.call("web__echo", {})
        assert result.is_error
        assert "web" in result.text
        assert time.monotonic() - started < 5
        assert await eventually(lambda: upstreams.status("web") == "failed", 2)
        server.sessions = set()
        add("x")
        await upstreams.connected("web")
        assert await upstreams.text("web__echo") == "here"


@pytest.mark.parametrize("refusal", [error(-32601, "no such method", 404), error(-32602, "no session in params", 400)])
async def test_an_answer_of_the_protocol_is_no_lost_session(upstreams_of: Any, refusal: Response):
    server = Forgetful(lambda: refusal)
    async with serving(server.app) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        await upstreams.connected("web")
        server.sessions.clear()
        result = await upstreams.registry.call("web__echo", {})
        assert result.is_error
        assert f"HTTP {refusal.status_code}" in result.text
        assert "'web'" in result.text
        assert server.opened == 1


async def test_a_server_that_was_restarted(upstreams_of: Any):
    async with serving(Forgetful(LOST["410"]).app) as url:
        port = int(url.rpartition(":")[2])
    async with upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        async with serving(Forgetful(LOST["410"]).app, port=port):
            await upstreams.connected("web")
            assert await upstreams.text("web__echo") == "here"
        async with serving(Forgetful(LOST["410"]).app, port=port):
            assert await upstreams.text("web__echo") == "here"
        started = time.monotonic()
        assert (await upstreams.registry.call("web__echo", {})).is_error
        assert time.monotonic() - started < 2
        assert upstreams.status("web") != "connected"


# --- the older HTTP+SSE ---


class OlderServer:
    """A server of HTTP+SSE. `refused` answers the messages, if it is set; `hang_up` ends every stream."""

    def __init__(self, on_post: Callable[[], Response] = lambda: Response(status_code=405)) -> None:
        self.queues: dict[str, asyncio.Queue[str | None]] = {}
        self.refused: Callable[[], Response] | None = None
        self.opened = 0
        self.on_post = on_post
        routes = [Route("/sse", self.stream, methods=["GET", "POST"]), Route("/m", self.take, methods=["POST"])]
        self.app = Starlette(routes=routes)

    async def stream(self, request: Request) -> Response:
        if request.method == "POST":
            return self.on_post()
        name = str(uuid4())
        queue = self.queues[name] = asyncio.Queue()
        self.opened += 1

        async def events():
            yield f"event: endpoint\ndata: /m?sessionId={name}\n\n"
            while (said := await queue.get()) is not None:
                yield f"event: message\ndata: {said}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def take(self, request: Request) -> Response:
        message = json.loads(await request.body())
        queue = self.queues.get(request.query_params["sessionId"])
        if self.refused is not None and message.get("method") == "tools/call":
            return self.refused()
        if queue is None:
            return Response("Could not find session", 404)
        if said := answer(message):
            queue.put_nowait(json.dumps(said))
        return Response(status_code=202)

    def hang_up(self) -> None:
        for queue in self.queues.values():
            queue.put_nowait(None)
        self.queues.clear()


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_an_address_of_the_older_transport_needs_no_type(upstreams_of: Any, eventually: Any, status: int):
    server = OlderServer(lambda: Response(status_code=status))
    async with serving(server.app) as url, upstreams_of({"web": {"url": f"{url}/sse"}}) as upstreams:
        await upstreams.connected("web", seconds=3)
        assert upstreams.server("web")["transport"] == "sse"
        assert await upstreams.text("web__echo") == "here"
        server.hang_up()
        await eventually(lambda: server.opened == 2 or upstreams.status("web") != "connected", 1)
        assert await upstreams.text("web__echo") == "here"
        server.hang_up()


async def test_an_address_of_neither_transport_says_the_first_refusal(upstreams_of: Any, eventually: Any):
    async def handler(request: Request) -> Response:
        return Response(status_code=404)

    app = Starlette(routes=[Route("/mcp", handler, methods=["POST", "GET"])])
    async with serving(app) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        assert await eventually(lambda: upstreams.server("web").get("error")) == "answered HTTP 404"


async def test_the_older_transports_refusals_end_their_call_at_once(upstreams_of: Any):
    server = OlderServer()
    async with serving(server.app) as url, upstreams_of({"web": {"url": f"{url}/sse", "type": "sse"}}) as upstreams:
        await upstreams.connected("web")
        server.refused = lambda: Response("no", 500)
        started = time.monotonic()
        result = await upstreams.registry.call("web__echo", {})
        assert result.is_error
        assert "'web' answered HTTP 500" in result.text
        server.refused = None
        assert await upstreams.text("web__echo") == "here"
        server.queues.clear()  # it forgets its sessions, and leaves their streams open
        assert await upstreams.text("web__echo") == "here"
        assert server.opened == 2
        assert time.monotonic() - started < 3
        server.hang_up()
