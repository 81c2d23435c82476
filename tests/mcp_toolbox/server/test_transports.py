"""MCP over HTTP on the wire, byte by byte, as a client other than the SDK's sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

ACCEPT = {"accept": "application/json, text/event-stream"}
HANDSHAKE_REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]


def message(method: str, params: dict[str, Any] | None = None, id_: int | None = 1) -> dict[str, Any]:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if id_ is not None:
        body["id"] = id_
    if params is not None:
        body["params"] = params
    return body


def initialize(revision: str) -> dict[str, Any]:
    client = {"name": "wire", "version": "1"}
    return message("initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": client})


def call(name: str, arguments: Any, id_: int = 2) -> dict[str, Any]:
    return message("tools/call", {"name": name, "arguments": arguments}, id_)


def answer(response: httpx.Response) -> dict[str, Any]:
    """The one message of a response, whichever of the two ways it came."""
    if response.headers["content-type"].startswith("application/json"):
        return response.json()
    data = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    return json.loads(data[-1])


async def open_session(http: httpx.AsyncClient, revision: str = "2025-11-25") -> dict[str, str]:
    """The headers of a session of a handshake revision."""
    response = await http.post("/mcp", headers=ACCEPT, json=initialize(revision))
    assert answer(response)["result"]["protocolVersion"] == revision
    headers = {**ACCEPT, "mcp-session-id": response.headers["mcp-session-id"], "mcp-protocol-version": revision}
    ready = await http.post("/mcp", headers=headers, json=message("notifications/initialized", id_=None))
    assert ready.status_code == 202
    return headers


# --- Streamable HTTP, revision 2026-07-28 ---


async def test_the_current_revision_needs_no_session(http: httpx.AsyncClient, modern: Any):
    discovered = await http.post("/mcp", **modern("server/discover"))
    assert "2026-07-28" in discovered.json()["result"]["supportedVersions"]
    listed = await http.post("/mcp", **modern("tools/list"))
    assert listed.headers["content-type"].startswith("application/json")
    assert "mcp-session-id" not in listed.headers
    assert len(listed.json()["result"]["tools"]) == 4
    called = await http.post("/mcp", **modern("tools/call", {"name": "add", "arguments": {"a": 5, "b": 3}}))
    assert called.json()["result"]["structuredContent"] == {"result": 8}
    assert called.json()["result"]["content"] == [{"type": "text", "text": "8"}]


async def test_white_space_around_a_header_is_no_part_of_it(toolbox: str, modern: Any):
    host, port = toolbox.removeprefix("http://").split(":")
    request = modern("tools/call", {"name": "add", "arguments": {"a": 5, "b": 3}})
    body = json.dumps(request["json"]).encode()
    headers = {**request["headers"], "mcp-name": "  add \t", "host": host, "content-type": "application/json"}
    lines = [f"{name}: {value}" for name, value in {**headers, "content-length": len(body)}.items()]
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join(["POST /mcp HTTP/1.1", *lines, "", ""]).encode() + body)
    answered = await asyncio.wait_for(reader.readuntil(b'"result":8'), 5)
    assert answered.startswith(b"HTTP/1.1 200")
    writer.close()


async def test_errors_of_the_current_revision(http: httpx.AsyncClient, modern: Any):
    unknown = await http.post("/mcp", **modern("tools/call", {"name": "subtract", "arguments": {}}))
    assert unknown.json()["error"] == {"code": -32602, "message": "Unknown tool: subtract"}
    assert unknown.json()["id"] == 1
    missing = await http.post("/mcp", **modern("tools/nothing"))
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, -32601)
    request = modern("tools/list")
    request["headers"]["mcp-protocol-version"] = "2099-01-01"
    assert (await http.post("/mcp", **request)).status_code == 400  # header and body disagree
    request["json"]["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01"
    future = await http.post("/mcp", **request)
    assert future.status_code == 400
    assert "2026-07-28" in json.dumps(future.json()["error"]["data"])
    mismatch = modern("tools/call", {"name": "add", "arguments": {"a": 1, "b": 2}})
    mismatch["headers"]["mcp-name"] = "multiply"
    assert (await http.post("/mcp", **mismatch)).status_code == 400


async def test_what_cannot_be_said_in_unicode_is_an_error_and_no_crash(http: httpx.AsyncClient, modern: Any):
    for params in (
        '{"name":"uppercase","arguments":{"text":"\\ud800"}}',
        '{"name":"uppercase","arguments":{"\\ud800":"a"}}',
        '{"name":"\\ud800","arguments":{}}',
    ):
        request = modern("tools/call", {"name": "uppercase"})
        body = json.dumps(request["json"]).replace('"name": "uppercase"', params[1:-1])
        headers = {**request["headers"], "content-type": "application/json"}
        response = await http.post("/mcp", headers=headers, content=body)
        assert response.status_code in (200, 400), response.text
        assert "error" in response.json() or response.json()["result"]["isError"]


async def test_numbers_beyond_json_are_refused_alike(http: httpx.AsyncClient, modern: Any):
    for number in ("NaN", "1e999", "9" * 400):
        request = modern("tools/call", {"name": "add", "arguments": {"a": 5, "b": "HERE"}})
        body = json.dumps(request["json"]).replace('"HERE"', number)
        headers = {**request["headers"], "content-type": "application/json"}
        result = (await http.post("/mcp", headers=headers, content=body)).json()["result"]
        rest = await http.post(
            "/mcp/tools/call",
            headers={"content-type": "application/json"},
            content=f'{{"name":"add","arguments":{{"a":5,"b":{number}}}}}',
        )
        assert result["isError"]
        assert result["content"][0]["text"] == rest.json()["error"]["message"]
        assert rest.status_code == 422


# --- Streamable HTTP, the handshake revisions ---


@pytest.mark.parametrize("revision", HANDSHAKE_REVISIONS)
async def test_an_earlier_revision_has_a_session(http: httpx.AsyncClient, revision: str):
    session = await open_session(http, revision)
    tools = answer(await http.post("/mcp", headers=session, json=message("tools/list")))["result"]["tools"]
    assert [tool["name"] for tool in tools] == ["add", "count_words", "multiply", "uppercase"]
    result = answer(await http.post("/mcp", headers=session, json=call("add", {"a": 5, "b": 3})))["result"]
    assert result["content"] == [{"type": "text", "text": "8"}]
    assert result["structuredContent"] == {"result": 8}
    ended = await http.delete("/mcp", headers=session)
    assert ended.status_code == 200
    gone = await http.post("/mcp", headers=session, json=message("tools/list"))
    assert (gone.status_code, gone.json()["error"]["message"]) == (404, "Session not found")


async def test_errors_of_an_earlier_revision(http: httpx.AsyncClient):
    session = await open_session(http)
    unknown = answer(await http.post("/mcp", headers=session, json=call("subtract", {})))
    assert unknown["error"] == {"code": -32602, "message": "Unknown tool: subtract"}
    wrong = answer(await http.post("/mcp", headers=session, json=call("add", {"a": True, "b": 3})))["result"]
    assert wrong["isError"]
    assert wrong["content"][0]["text"].startswith("Invalid arguments: a: ")
    method = answer(await http.post("/mcp", headers=session, json=message("tools/nothing")))
    assert method["error"]["code"] == -32601
    shape = answer(await http.post("/mcp", headers=session, json=call("add", [5, 3])))
    assert shape["error"]["code"] == -32602


async def test_a_request_before_the_handshake_is_refused(http: httpx.AsyncClient):
    response = await http.post("/mcp", headers=ACCEPT, json=message("tools/list"))
    assert response.status_code == 400
    assert response.json()["error"]["code"] < 0


@pytest.mark.parametrize("session_id", ["nope", "0" * 32, "x" * 300])
async def test_an_unknown_session_is_not_found(http: httpx.AsyncClient, session_id: str):
    headers = {**ACCEPT, "mcp-session-id": session_id}
    for response in (
        await http.post("/mcp", headers=headers, json=message("tools/list")),
        await http.get("/mcp", headers=headers),
        await http.delete("/mcp", headers=headers),
    ):
        assert (response.status_code, response.json()["error"]["message"]) == (404, "Session not found")


# --- malformed, oversized, mislabeled ---


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[" * 5000])
async def test_malformed_json_is_a_parse_error(http: httpx.AsyncClient, modern: Any, body: bytes):
    for headers in (ACCEPT, modern("tools/list")["headers"]):
        response = await http.post("/mcp", headers={**headers, "content-type": "application/json"}, content=body)
        assert response.status_code == 400
        assert response.json()["error"]["code"] == -32700
        assert response.json()["id"] is None


@pytest.mark.parametrize("body", [{}, [], 5, {"jsonrpc": "1.0", "id": 1, "method": "ping"}])
async def test_json_that_is_no_message_is_refused_briefly(http: httpx.AsyncClient, modern: Any, body: Any):
    for headers in (ACCEPT, modern("tools/list")["headers"]):
        response = await http.post("/mcp", headers=headers, json=body)
        assert response.status_code == 400
        assert response.json()["error"]["code"] in (-32600, -32602)
        assert len(response.text) < 300


async def test_a_body_over_the_limit_is_refused(serve_toolbox: Any, modern: Any):
    big = {"name": "uppercase", "arguments": {"text": "a" * 3000}}
    async with serve_toolbox(MAX_BODY_BYTES="2000") as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.post("/mcp", **modern("tools/call", big))).status_code == 413
        assert (await http.post("/mcp", headers=ACCEPT, json=message("tools/call", big))).status_code == 413
        async with sse(http) as session:
            assert (await http.post(session.endpoint, json=message("tools/call", big))).status_code == 413
        assert (await http.post("/mcp", **modern("tools/list"))).status_code == 200


async def test_another_content_type_is_refused(http: httpx.AsyncClient, modern: Any):
    for headers in (ACCEPT, modern("tools/list")["headers"]):
        response = await http.post("/mcp", headers={**headers, "content-type": "text/plain"}, content=b"{}")
        assert response.status_code == 415


async def test_a_client_that_accepts_no_answer_is_told(http: httpx.AsyncClient, modern: Any):
    request = modern("tools/list")
    request["headers"]["accept"] = "text/html"
    for response in (
        await http.post("/mcp", **request),
        await http.post("/mcp", headers={"accept": "text/html"}, json=initialize("2025-11-25")),
    ):
        assert response.status_code == 406
        assert response.json()["jsonrpc"] == "2.0"


# --- listening, leaving, many at once ---


async def test_a_session_may_be_listened_to_and_left(http: httpx.AsyncClient):
    session = await open_session(http)
    async with http.stream("GET", "/mcp", headers=session) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        second = await http.get("/mcp", headers=session)
        assert second.status_code == 409
    assert answer(await http.post("/mcp", headers=session, json=message("ping")))["result"] == {}


async def test_a_client_that_leaves_mid_call_harms_nobody(http: httpx.AsyncClient, toolbox: str, modern: Any):
    host, port = toolbox.removeprefix("http://").split(":")
    session = await open_session(http)
    for headers, body in (
        (session, call("add", {"a": 1, "b": 2})),
        (modern("tools/list")["headers"], modern("tools/list")["json"]),
    ):
        payload = json.dumps(body).encode()
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = ["POST /mcp HTTP/1.1", f"host: {host}", "content-type: application/json", *lines]
        for sent in (payload, payload[: len(payload) // 2]):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write("\r\n".join([*head, f"content-length: {len(payload)}", "", ""]).encode() + sent)
            await writer.drain()
            writer.transport.abort()
    result = answer(await http.post("/mcp", headers=session, json=call("add", {"a": 5, "b": 3})))["result"]
    assert result["structuredContent"] == {"result": 8}


async def test_a_hundred_calls_at_once(http: httpx.AsyncClient, modern: Any):
    session = await open_session(http)

    async def squared(i: int) -> int:
        arguments = {"a": i, "b": i}
        if i % 2:
            request = modern("tools/call", {"name": "multiply", "arguments": arguments}, i)
            body = answer(await http.post("/mcp", **request))
        else:
            body = answer(await http.post("/mcp", headers=session, json=call("multiply", arguments, i + 10)))
        return body["result"]["structuredContent"]["result"]

    assert await asyncio.gather(*(squared(i) for i in range(100))) == [i * i for i in range(100)]


# --- HTTP+SSE, revision 2024-11-05 ---


class Session:
    """An open `/sse` stream: where to post, and what came."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.endpoint = ""

    async def event(self) -> tuple[str, str]:
        kind = ""
        async for line in self._lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return kind, line.removeprefix("data: ")
        raise EOFError

    async def message(self) -> dict[str, Any]:
        kind, data = await asyncio.wait_for(self.event(), 20)
        assert kind == "message"
        return json.loads(data)


@asynccontextmanager
async def sse(http: httpx.AsyncClient) -> AsyncIterator[Session]:
    async with http.stream("GET", "/sse") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        session = Session(response)
        kind, session.endpoint = await session.event()
        assert kind == "endpoint"
        yield session


async def shake_hands(http: httpx.AsyncClient, session: Session, revision: str) -> None:
    assert (await http.post(session.endpoint, json=initialize(revision))).status_code == 202
    assert (await session.message())["result"]["protocolVersion"] == revision
    await http.post(session.endpoint, json=message("notifications/initialized", id_=None))


async def wait_until_gone(http: httpx.AsyncClient, endpoint: str) -> None:
    async with asyncio.timeout(20):
        while (await http.post(endpoint, json=message("ping"))).status_code != 404:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("revision", HANDSHAKE_REVISIONS)
async def test_posts_are_taken_and_answered_on_the_stream(http: httpx.AsyncClient, revision: str):
    async with sse(http) as session:
        assert session.endpoint.startswith("/messages/?session_id=")
        await shake_hands(http, session, revision)
        posted = await http.post(session.endpoint, json=call("add", {"a": 0.1, "b": 0.2}, 7))
        assert (posted.status_code, posted.text) == (202, "Accepted")
        reply = await session.message()
        assert reply["id"] == 7
        assert reply["result"]["content"] == [{"type": "text", "text": "0.3"}]


async def test_errors_on_the_stream(http: httpx.AsyncClient):
    async with sse(http) as session:
        await shake_hands(http, session, "2024-11-05")
        await http.post(session.endpoint, json=call("subtract", {}))
        assert (await session.message())["error"] == {"code": -32602, "message": "Unknown tool: subtract"}
        await http.post(session.endpoint, json=call("add", {"a": 5}))
        assert (await session.message())["result"]["isError"] is True


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 400, "session_id is required"),
        ("?session_id=nope", 400, "Invalid session ID"),
        ("?session_id=" + "0" * 32, 404, "Could not find session"),
    ],
)
async def test_a_post_to_no_session_is_refused(http: httpx.AsyncClient, query: str, status: int, text: str):
    response = await http.post(f"/messages/{query}", json=message("ping"))
    assert response.status_code == status
    assert response.json() == {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": text}}


async def test_a_malformed_post_is_refused_and_the_session_lives_on(http: httpx.AsyncClient):
    async with sse(http) as session:
        await shake_hands(http, session, "2024-11-05")
        headers = {"content-type": "application/json"}
        for body in (b"{", b"{}", b"[]", b"\xff"):
            response = await http.post(session.endpoint, headers=headers, content=body)
            assert response.status_code == 400
            assert response.json()["error"]["code"] == (-32600 if body in (b"{}", b"[]") else -32700)
        await http.post(session.endpoint, json=call("add", {"a": 5, "b": 3}, 9))
        while (reply := await session.message()).get("id") != 9:
            pass
        assert reply["result"]["structuredContent"] == {"result": 8}


async def test_a_session_ends_with_its_stream(http: httpx.AsyncClient):
    async with sse(http) as session:
        await shake_hands(http, session, "2024-11-05")
    await wait_until_gone(http, session.endpoint)


async def test_a_half_closed_stream_ends_its_session(http: httpx.AsyncClient, toolbox: str):
    host, port = toolbox.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /sse HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    head = (await reader.readuntil(b"session_id=")) + await reader.readexactly(32)
    endpoint = head[head.index(b"/messages/") :].decode()
    assert (await http.post(endpoint, json=message("ping"))).status_code == 202
    writer.write_eof()
    await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await wait_until_gone(http, endpoint)


async def test_a_message_to_a_session_that_is_ending_is_no_error_of_ours(
    http: httpx.AsyncClient, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    for _ in range(5):
        async with sse(http) as session:
            posts = [asyncio.create_task(http.post(session.endpoint, json=message("ping"))) for _ in range(5)]
            await asyncio.sleep(0)
        assert {post.status_code for post in await asyncio.gather(*posts)} <= {202, 404}
    assert "unexpected error" not in capsys.readouterr().out + caplog.text


async def test_sessions_do_not_see_each_others_answers(http: httpx.AsyncClient):
    async with sse(http) as one, sse(http) as two:
        assert one.endpoint != two.endpoint
        await shake_hands(http, one, "2024-11-05")
        await shake_hands(http, two, "2024-11-05")
        await http.post(one.endpoint, json=call("add", {"a": 1, "b": 1}, 5))
        await http.post(two.endpoint, json=call("add", {"a": 2, "b": 2}, 5))
        assert (await two.message())["result"]["structuredContent"] == {"result": 4}
        assert (await one.message())["result"]["structuredContent"] == {"result": 2}


async def test_a_client_that_tries_streamable_http_on_sse_is_told_no(http: httpx.AsyncClient):
    # The older clients' fallback depends on a 4xx here.
    assert (await http.post("/sse", headers=ACCEPT, json=initialize("2025-11-25"))).status_code == 405
