"""What is no message is answered alike on every transport, with its id where that can be read, and never waited for."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from mcp_toolbox.server.json_rpc import refusal_of

from tests.mcp_toolbox.server.test_transports import ACCEPT, initialize, message, shake_hands, sse

PING = '"jsonrpc":"2.0","method":"ping"'

CASES: dict[str, tuple[bytes, int, Any]] = {
    "garbage": (b"garbage", -32700, None),
    "truncated": (b'{"jsonrpc":"2.0","id":5,"method":"pi', -32700, None),
    "NUL": (b'{"jsonrpc":"2.0","id":5,\x00"method":"ping"}', -32700, None),
    "byte order mark": (b"\xef\xbb\xbf{" + PING.encode() + b',"id":5}', -32700, 5),
    "UTF-16": (f'{{{PING},"id":5}}'.encode("utf-16-le").replace(b"\n", b""), -32700, None),
    "invalid UTF-8": (b'{"jsonrpc":"2.0","id":"a","method":"ping","params":{"x":"\xff"}}', -32700, "a"),
    "deep": (b'{"jsonrpc":"2.0","id":5,"params":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, -32700, None),
    "half an emoji": (b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"a\\ud83d b"}}', -32600, 5),
    "half an emoji as id": (b'{"jsonrpc":"2.0","id":"\\ud83d","method":"ping"}', -32600, None),
    "batch": (f'[{{{PING},"id":5}}]'.encode(), -32600, None),
    "empty batch": (b"[]", -32600, None),
    "a number": (b"5", -32600, None),
    "null": (b"null", -32600, None),
    "no version": (b'{"id":7,"method":"ping"}', -32600, 7),
    "wrong version": (b'{"jsonrpc":"1.0","id":"x","method":"ping"}', -32600, "x"),
    "version as a number": (b'{"jsonrpc":2.0,"id":7,"method":"ping"}', -32600, 7),
    "no method": (b'{"jsonrpc":"2.0","id":7,"params":{}}', -32600, 7),
    "method as a number": (b'{"jsonrpc":"2.0","id":7,"method":5}', -32600, 7),
    "params as a list": (f'{{{PING},"id":7,"params":[1]}}'.encode(), -32600, 7),
    "nothing": (b"{}", -32600, None),
    **{
        f"id {id_}": (f'{{{PING},"id":{id_}}}'.encode(), -32600, None)
        for id_ in ("null", "1.5", "1.0", "true", "false", "{}", "[]", '[5]', "1e3")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_its_id(name: str):
    data, code, id_ = CASES[name]
    refusal = refusal_of(data)
    assert refusal is not None
    assert (refusal.code, refusal.id) == (code, id_)
    assert json.dumps(refusal.to_wire())


@pytest.mark.parametrize(
    "text",
    [
        f'{{{PING},"id":0}}', f'{{{PING},"id":-5}}', f'{{{PING},"id":""}}', f'{{{PING},"id":"é\\u0000"}}',
        f"{{{PING}}}", f'{{{PING},"id":{2**70}}}', f'{{{PING},"id":1,"params":null}}',
        f'{{{PING},"id":1,"params":{{"a":"\\ud83d\\ude00"}}}}',
        '{"jsonrpc":"2.0","id":1,"result":{}}', '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}',
    ],
)  # fmt: skip
def test_a_message_is_one(text: str):
    assert refusal_of(text.encode()) is None


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
async def test_over_streamable_http(http: httpx.AsyncClient, modern: Any, revision: str):
    headers = {**(ACCEPT if revision < "2026" else modern("ping")["headers"]), "content-type": "application/json"}
    for name, (data, code, id_) in CASES.items():
        response = await http.post("/mcp", headers=headers, content=data)
        assert response.status_code == 400, name
        answer = response.json()
        assert (answer["jsonrpc"], answer["error"]["code"], answer["id"]) == ("2.0", code, id_), name


async def test_over_http_and_sse(http: httpx.AsyncClient):
    async with sse(http) as session:
        await shake_hands(http, session, "2024-11-05")
        for name, (data, code, id_) in CASES.items():
            response = await http.post(session.endpoint, headers={"content-type": "application/json"}, content=data)
            answer = response.json()
            assert (response.status_code, answer["error"]["code"], answer["id"]) == (400, code, id_), name
        await http.post(session.endpoint, json=message("ping"))
        assert "result" in await session.message()


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", "--stdio",
        stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, "MAX_BODY_BYTES": "1000000"}, limit=4 * 1024 * 1024,
    )  # fmt: skip
    yield child
    if child.returncode is None:
        child.kill()
    await child.communicate()


async def test_over_standard_streams(process: Process):
    assert process.stdin
    assert process.stdout

    output = process.stdout

    async def next_answer() -> Any:
        return json.loads(await asyncio.wait_for(output.readline(), 20))

    for name, (data, code, id_) in CASES.items():
        process.stdin.write(data + b"\n")
        answer = await next_answer()
        assert (answer["jsonrpc"], answer["error"]["code"], answer["id"]) == ("2.0", code, id_), name
    secret = b"s3cret" * 2_000_000
    process.stdin.write(b'{"jsonrpc":"2.0","id":77,"method":"ping","params":{"a":"' + secret + b'"}}\n')
    answer = await next_answer()
    assert (answer["error"]["code"], answer["id"]) == (-32600, 77)
    process.stdin.write(b'\r\n\n{"jsonrpc":"2.0","id":8,"method":"ping"}\r\n')
    assert (await next_answer())["id"] == 8
    rest, log = await asyncio.wait_for(process.communicate(b""), 20)
    assert rest == b""
    assert log.count(b"message refused") == len(CASES) + 1
    for content in (b"s3cret", b"garbage", b"ping", b"ud83d"):
        assert content not in log
    assert process.returncode == 0


@pytest.mark.parametrize("revision", ["1999-01-01", "latest", "2025-11-26"])
async def test_an_unknown_revision_on_a_session_is_named_as_such(http: httpx.AsyncClient, revision: str):
    opened = await http.post("/mcp", headers=ACCEPT, json=initialize("2025-11-25"))
    headers = {**ACCEPT, "mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": revision}
    refused = await http.post("/mcp", headers=headers, json=message("ping", id_=4))
    assert (refused.status_code, refused.json()["error"]["code"], refused.json()["id"]) == (400, -32600, 4)
    assert "MCP-Protocol-Version" in refused.json()["error"]["message"]
    assert "_meta" not in refused.text
    answered = await http.post("/mcp", headers={**headers, "mcp-protocol-version": "2025-11-25"}, json=message("ping"))
    assert answered.status_code == 200
