"""Answers that a strict parser refuses are delivered, or fail their call at once; nothing of them is logged."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from mcp_toolbox.upstream.answers import readable, unicode_json
from service_kit.testing import running as serving
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.mcp_toolbox.upstream.test_http import answer, by_hand, replied
from tests.mcp_toolbox.upstream.test_sessions import OlderServer

RESULT = '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"TEXT"}]}}'

TEXTS = {
    r"bad \ud83d end": "bad \ufffd end",
    r"bad \uDE00 end": "bad \ufffd end",
    r"\ude00\ud83d": "\ufffd\ufffd",
    r"\ud83d\ud83d\ude00": "\ufffd😀",
    r"\\ud83d stays": r"\ud83d stays",
    r"\\\ud83d": "\\\ufffd",
    "bad \xff end": "bad \ufffd end",
}

BROKEN = [
    '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"s3cret',
    '{"jsonrpc": "2.0", "id": ID, "result": {"content": [{"type": "text" "text": "s3cret"}]}}',
    '{"result":{"content":[{"type":"text","text":"s3cret"}],},"jsonrpc":"2.0","id":ID}',
    '{"jsonrpc":"2.0","id":ID,"error":"s3cret"}',
    '{"jsonrpc":"2.0","id":ID,"result":["s3cret"]}',
    '{"jsonrpc":"2.0","id":ID,"result":{"content":"s3cret"}}',
]


def test_surrogates_are_replaced_and_pairs_stay():
    for written, shown in TEXTS.items():
        data = RESULT.replace("ID", "1").replace("TEXT", written).encode("latin-1")
        assert json.loads(unicode_json(data))["result"]["content"][0]["text"] == shown
        assert readable(data) is not None


@pytest.mark.parametrize("written", TEXTS)
async def test_over_standard_streams(upstreams_of: Any, plain: Any, written: str):
    async with upstreams_of({"std": plain({"timeout_seconds": 9})}) as upstreams:
        await upstreams.connected("std")
        line = RESULT.replace("TEXT", written) + "\n"
        assert await upstreams.text("std__raw", line=line) == TEXTS[written]


async def test_a_broken_answer_ends_its_call_at_once_and_is_in_no_log(upstreams_of: Any, plain: Any, capfd: Any):
    async with upstreams_of({"std": plain({"timeout_seconds": 9})}) as upstreams:
        await upstreams.connected("std")
        started = time.monotonic()
        for line in BROKEN:
            result = await upstreams.registry.call("std__raw", {"line": line + "\n"})
            assert result.is_error
            assert "not" in result.text and "s3cret" not in result.text
        printed = json.dumps({"result": {"text": "s3cret"}}, indent=2) + "\nhere is your s3cret\n"
        answered = RESULT.replace("TEXT", "here") + "\n"
        assert await upstreams.text("std__raw", line=printed + answered) == "here"
        assert time.monotonic() - started < 3
    said = "".join(capfd.readouterr())
    assert "server prints what is no message" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_over_streamable_http(upstreams_of: Any, kind: str):
    said = [""]

    def call(message: dict[str, Any]) -> Response:
        body = said[0].replace("ID", str(message["id"])).encode("latin-1")
        return Response(b"data: " + body + b"\n\n" if kind == "text/event-stream" else body, media_type=kind)

    async def handler(request: Request) -> Response:
        return await replied(request, call)

    async with serving(by_hand(handler)) as url, upstreams_of({"web": {"url": f"{url}/mcp"}}) as upstreams:
        await upstreams.connected("web")
        started = time.monotonic()
        for written, shown in TEXTS.items():
            said[0] = RESULT.replace("TEXT", written)
            assert await upstreams.text("web__echo") == shown
        for broken in BROKEN:
            said[0] = broken
            result = await upstreams.registry.call("web__echo", {})
            assert result.is_error
            assert not any(word in result.text for word in ("s3cret", "pydantic", "validation"))
        assert time.monotonic() - started < 5


async def test_over_http_and_sse(upstreams_of: Any):
    server = OlderServer()
    said = [""]

    async def take(request: Request) -> Response:
        message = json.loads(await request.body())
        if message.get("method") != "tools/call":
            reply = answer(message)
            line = json.dumps(reply) if reply else None
        else:
            line = said[0].replace("ID", str(message["id"]))
        if line is not None:
            server.queues[request.query_params["sessionId"]].put_nowait(line)
        return JSONResponse({}, 202)

    server.app.router.routes[1] = Route("/m", take, methods=["POST"])
    async with serving(server.app) as url, upstreams_of({"web": {"url": f"{url}/sse", "type": "sse"}}) as upstreams:
        await upstreams.connected("web")
        started = time.monotonic()
        said[0] = RESULT.replace("TEXT", r"bad \ud83d end")
        assert await upstreams.text("web__echo") == "bad \ufffd end"
        for broken in BROKEN:
            said[0] = broken
            result = await upstreams.registry.call("web__echo", {})
            assert result.is_error
            assert "s3cret" not in result.text
        assert time.monotonic() - started < 5
        server.hang_up()
