"""The edge over WebSockets, on a real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from service_kit.auth.keys import principal_of, to_subprotocol
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.service_kit.harness import Stage, staged

KEYS = {"AUTH_MODE": "keys", "API_KEYS": "one-key,clave-ñ"}


@pytest.fixture
async def stage():
    async with staged() as one:
        yield one


@pytest.fixture
async def guarded():
    async with staged(KEYS, page_token="page-token") as one:
        yield one


async def greeted(stage: Stage, path: str = "/ws", **options: Any) -> dict[str, str]:
    async with connect(stage.socket_url + path, **options) as socket:
        return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def refused(stage: Stage, path: str = "/ws", **options: Any) -> tuple[int, dict[str, Any], Any]:
    """Status, error and headers of a handshake that must fail."""
    with pytest.raises(InvalidStatus) as caught:
        await greeted(stage, path, **options)
    response = caught.value.response
    error = json.loads(response.body or b"{}")["error"]
    assert error["request_id"] == response.headers["x-request-id"]
    return response.status_code, error, response.headers


async def test_an_id_is_taken_and_echoed(stage: Stage):
    async with connect(f"{stage.socket_url}/ws", additional_headers={"x-request-id": "mine-1"}) as socket:
        assert socket.response is not None
        assert socket.response.headers["x-request-id"] == "mine-1"
        assert json.loads(await socket.recv())["id"] == "mine-1"


async def test_the_language_and_nobody_in_particular(stage: Stage):
    said = await greeted(stage, additional_headers={"accept-language": "en"})
    assert (said["language"], said["principal"]) == ("en", "anonymous")


@pytest.mark.parametrize("origin", ["http://localhost:8002", None])
async def test_pages_of_ours_connect(stage: Stage, origin: str | None):
    assert await greeted(stage, origin=origin)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost:8002"])
async def test_pages_of_others_do_not(stage: Stage, origin: str):
    status, error, _ = await refused(stage, origin=origin)
    assert (status, error["code"]) == (403, "origin_not_allowed")


async def test_a_name_that_was_pointed_at_us_is_refused(stage: Stage):
    # The client adds a Host of its own; ours comes first, and two different ones are no request at all.
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    handshake = (
        "GET /ws HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    writer.write(handshake.encode())
    assert b" 421 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


@pytest.mark.parametrize("key", ["one-key", "clave-ñ"])
async def test_a_key_as_a_subprotocol(guarded: Stage, key: str):
    async with connect(f"{guarded.socket_url}/ws", subprotocols=["agent.v1", to_subprotocol(key)]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "agent.v1"
        assert json.loads(await socket.recv())["principal"] == principal_of(key)


@pytest.mark.parametrize("headers", [{"authorization": "Bearer one-key"}, {"x-api-key": "one-key"}])
async def test_a_key_as_a_header(guarded: Stage, headers: dict[str, str]):
    assert (await greeted(guarded, additional_headers=headers))["principal"] == principal_of("one-key")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "missing_api_key"),
        ({"subprotocols": ["agent.v1"]}, "missing_api_key"),
        ({"subprotocols": ["agent.v1", to_subprotocol("three-key")]}, "invalid_api_key"),
        ({"subprotocols": ["bearer._w"]}, "missing_api_key"),
        ({"additional_headers": {"authorization": "Bearer three-key"}}, "invalid_api_key"),
    ],
)
async def test_without_a_known_key_there_is_nothing(guarded: Stage, options: dict[str, Any], code: str):
    status, error, headers = await refused(guarded, **options)
    assert (status, error["code"], headers["www-authenticate"]) == (401, code, "Bearer")


async def test_a_key_in_the_address_is_none(guarded: Stage):
    assert (await refused(guarded, "/ws?key=one-key&api_key=one-key"))[0] == 401


@pytest.mark.parametrize("key", ["page-token", "one-key"])
async def test_a_page_from_disk_with_the_token_or_a_key(guarded: Stage, key: str):
    said = await greeted(guarded, origin="null", subprotocols=["agent.v1", to_subprotocol(key)])
    assert said["principal"] == principal_of(key)


async def test_a_page_from_disk_with_neither(guarded: Stage):
    assert (await refused(guarded, origin="null", subprotocols=["agent.v1"]))[0] == 403


async def test_a_fault_before_the_handshake_is_an_answer_and_is_logged_once(stage: Stage):
    status, error, _ = await refused(stage, "/ws/broken", additional_headers={"x-request-id": "r-1"})
    assert (status, error["code"]) == (500, "internal_error")
    assert "hunter2" not in json.dumps(error)
    logged = await stage.lines(1, "unexpected error")
    assert [line["requestId"] for line in logged] == ["r-1"]
    assert stage.written.getvalue().count("Traceback") == 1


async def test_a_fault_later_closes_the_socket_and_is_logged_once(stage: Stage):
    async with connect(f"{stage.socket_url}/ws") as socket:
        await socket.recv()
        await socket.send("break")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 1011
        assert "hunter2" not in (socket.close_reason or "")
    assert len(await stage.lines(1, "unexpected error")) == 1
    assert stage.written.getvalue().count("Traceback") == 1


async def test_a_refused_socket_has_a_line_in_the_log(guarded: Stage):
    await refused(guarded)
    (line,) = await guarded.lines(1)
    assert (line["method"], line["path"], line["status"]) == ("WEBSOCKET", "/ws", 401)


async def test_under_a_prefix():
    async with staged({"ROOT_PATH": "/api/small"}) as stage:
        assert await greeted(stage, "/api/small/ws")
