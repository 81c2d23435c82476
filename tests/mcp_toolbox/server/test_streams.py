from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from mcp_toolbox.server.streams import AsgiResponse, JsonRpcRefusals, UntilDrained
from starlette.responses import PlainTextResponse, Response

from tests.waiting import eventually

SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "headers": []}


async def silent() -> dict[str, Any]:
    """A client that stays and says nothing."""
    await asyncio.Event().wait()
    raise AssertionError


class Sent(list[dict[str, Any]]):
    """What an application sent."""

    async def __call__(self, message: Any) -> None:
        self.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self)


async def endless(scope: Any, receive: Any, send: Any) -> None:
    """Streams until its client disconnects, then just stops."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


async def test_a_stream_ends_properly_when_the_service_drains():
    drained, sent = asyncio.Event(), Sent()
    stream = asyncio.create_task(UntilDrained(endless, drained)(SCOPE, silent, sent))
    await eventually(lambda: sent.body)
    assert not stream.done()
    drained.set()
    await asyncio.wait_for(stream, 8)
    assert sent.body == b"one"
    assert not sent[-1].get("more_body")


async def test_a_stream_opened_while_draining_ends_at_once():
    drained = asyncio.Event()
    drained.set()
    await asyncio.wait_for(UntilDrained(endless, drained)(SCOPE, silent, Sent()), 8)


async def test_a_client_that_leaves_ends_its_stream():
    async def left() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    await asyncio.wait_for(UntilDrained(endless, asyncio.Event())(SCOPE, left, Sent()), 8)


async def test_a_finished_response_is_not_ended_twice():
    sent = Sent()
    await UntilDrained(PlainTextResponse("done"), asyncio.Event())(SCOPE, silent, sent)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def refused(response: Response) -> tuple[dict[bytes, bytes], dict[str, Any]]:
    sent = Sent()
    await JsonRpcRefusals(response)(SCOPE, silent, sent)
    assert len(sent) == 2
    assert sent[0]["status"] == response.status_code
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(sent.body)).encode()
    return headers, json.loads(sent.body)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (PlainTextResponse("Could not find session", 404), "Could not find session"),
        (
            Response(status_code=406),
            "Not acceptable: the client must accept both application/json and text/event-stream",
        ),
        (Response(status_code=418), "The request was refused"),
    ],
)
async def test_a_refusal_becomes_a_json_rpc_error(response: Response, message: str):
    _, body = await refused(response)
    assert body == {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": message}}


async def test_other_headers_of_a_refusal_are_kept():
    headers, _ = await refused(Response(status_code=405, headers={"Allow": "POST"}))
    assert headers[b"allow"] == b"POST"


async def test_a_validators_report_is_cut_to_its_first_line():
    report = '{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"Validation error: 11\\nvery\\nlong"}}'
    _, body = await refused(Response(report, 400, media_type="application/json"))
    assert body["error"] == {"code": -32602, "message": "Validation error: 11"}


async def test_an_answer_to_a_request_is_left_alone():
    answer = {"jsonrpc": "2.0", "id": 7, "error": {"code": -32602, "message": "two\nlines", "data": {"k": 1}}}
    _, body = await refused(Response(json.dumps(answer), 400, media_type="application/json"))
    assert body == answer


async def test_what_is_not_refused_passes_as_it_is():
    sent = Sent()
    await JsonRpcRefusals(PlainTextResponse("fine", 202))(SCOPE, silent, sent)
    assert sent.body == b"fine"


async def test_a_route_may_hand_off_to_an_application():
    sent = Sent()
    await AsgiResponse(PlainTextResponse("from the application", 203))(SCOPE, silent, sent)
    assert (sent[0]["status"], sent.body) == (203, b"from the application")
