"""The prompt API's WebSocket: what goes in and out, and what does not break it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from fake_providers import Endless, FakeOpenAI, Says
from llm_gateway.surfaces.http.schemas.prompt import PromptChunk
from llm_gateway.surfaces.socket.session import MOST_AT_ONCE
from service_kit.auth.keys import to_subprotocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Origin, Subprotocol

from tests.llm_gateway.harness import Stage, gateway, staged
from tests.llm_gateway.surfaces.http.test_schemas import strictly
from tests.ports import free_port
from tests.waiting import eventually


@asynccontextmanager
async def opened(stage: Stage, **options: Any) -> AsyncIterator[ClientConnection]:
    async with connect(f"{stage.url.replace('http', 'ws', 1)}/ws", **options) as socket:
        yield socket


async def ask(socket: ClientConnection, prompt: str = "Hola", **more: Any) -> None:
    await socket.send(msgspec.json.encode({"prompt": prompt, "model": "gpt-4o", **more}).decode())


async def received(socket: ClientConnection) -> dict[str, Any]:
    return msgspec.json.decode(await socket.recv())


async def answered(socket: ClientConnection) -> list[dict[str, Any]]:
    """The messages up to and with one that is finished."""
    messages = [await received(socket)]
    while not messages[-1]["finished"]:
        messages.append(await received(socket))
    return messages


async def test_a_prompt_is_answered_as_by_the_stream():
    async with staged(FakeOpenAI(Says(["Ho", "la"]))) as stage, opened(stage) as socket:
        await ask(socket)
        first, second, last = await answered(socket)
        await ask(socket)
        *_, again = await answered(socket)
        calls = await stage.observed()
    assert [first, second] == [
        {"content": "Ho", "finished": False, "index": 0}, {"content": "la", "finished": False, "index": 1},
    ]  # fmt: skip
    strictly(last, PromptChunk)
    assert (last["totalTokens"], last["cached"], again["cached"], again["costUsd"]) == (13, False, True, 0)
    assert last["sessionId"] == again["sessionId"], "a socket is a session"
    assert [(call.surface, call.status, call.cache) for call in calls] == [
        ("prompt.socket", "ok", "miss"), ("prompt.socket", "ok", "hit"),
    ]  # fmt: skip
    assert len({call.request_id for call in calls}) == 2


async def test_several_at_once_are_told_apart_by_their_ids():
    hold = asyncio.Event()
    fake = FakeOpenAI(Says("uno", hold=hold), Says("dos"))
    async with staged(fake) as stage, opened(stage) as socket:
        await ask(socket, "1", id="a")
        await fake.call(0)
        await ask(socket, "2", id=7)
        second = await answered(socket)
        hold.set()
        first = await answered(socket)
    assert {message["id"] for message in second} == {7} and {message["id"] for message in first} == {"a"}
    assert (second[0]["content"], first[0]["content"]) == ("dos", "uno")


async def test_user_and_session_come_with_the_handshake_or_the_message():
    headers = {"X-User-ID": "ana", "X-Session-ID": "s1"}
    async with staged(FakeOpenAI(always=Says("x"))) as stage, opened(stage, additional_headers=headers) as socket:
        await ask(socket)
        *_, first = await answered(socket)
        await ask(socket, userId="eva", sessionId="s2")
        *_, second = await answered(socket)
        calls = await stage.observed()
    assert (first["sessionId"], second["sessionId"]) == ("s1", "s2")
    assert [(call.end_user, call.session) for call in calls] == [("ana", "s1"), ("eva", "s2")]


async def test_a_call_is_cancelled_by_its_id_and_the_rest_goes_on():
    fake = FakeOpenAI(Endless("palabras ", pause=0.01), Says("x"))
    async with staged(fake) as stage, opened(stage) as socket:
        await ask(socket, id="a")
        await received(socket)
        await socket.send('{"type": "cancel", "id": "nothing"}')
        await socket.send('{"type": "cancel", "id": "a"}')
        *_, last = await answered(socket)
        await fake.calls[0].left.wait()
        await ask(socket, "otra", id="a")
        *_, other = await answered(socket)
        cancelled, _ = await stage.observed()
    assert (last["id"], last["code"], other["totalTokens"]) == ("a", "cancelled", 13)
    assert (cancelled.status, cancelled.http_status, cancelled.error_code) == ("cancelled", 499, "client_gone")


async def test_a_call_that_is_cancelled_as_soon_as_it_is_asked_leaves_its_record():
    fake = FakeOpenAI(always=Endless("palabras ", pause=0.01))
    async with staged(fake) as stage, opened(stage) as socket:
        await ask(socket, id="a")
        await socket.send('{"type": "cancel", "id": "a"}')
        *_, last = await answered(socket)
        assert (last["code"], [call.status for call in await stage.observed()]) == ("cancelled", ["cancelled"])


async def test_closing_the_socket_cancels_what_is_under_way():
    fake = FakeOpenAI(always=Endless("palabras ", pause=0.01))
    async with staged(fake) as stage:
        async with opened(stage) as socket:
            for number in range(3):
                await ask(socket, str(number), id=number)
            await fake.call(2)
        for call in fake.calls:
            await call.left.wait()
        assert await eventually(lambda: _ended(stage, 3)) == ["cancelled"] * 3


async def _ended(stage: Stage, count: int) -> list[str]:
    calls = await stage.observed()
    return [call.status for call in calls] if len(calls) == count else []


MISTAKES: dict[str, tuple[str | bytes, str, Any]] = {
    "no JSON": ("{", "invalid_json", None), "no object": ("[1]", "invalid_request", None),
    "a number": ("7", "invalid_request", None), "nothing": ("", "invalid_json", None),
    "bytes": (b'{"prompt": "Hola"}', "binary_message", None), "no prompt": ('{"id": "a"}', "invalid_request", "a"),
    "an unknown field": ('{"prompt": "x", "id": 3, "stream": true}', "invalid_request", 3),
    "an unknown type": ('{"type": "dance", "id": "a"}', "invalid_request", "a"),
    "an id that is none": ('{"prompt": "x", "id": [1]}', "invalid_request", None),
    "an unknown model": ('{"prompt": "x", "id": "a", "model": "nope"}', "model_not_found", "a"),
    "a session that is none": ('{"prompt": "x", "id": "a", "sessionId": "a b"}', "invalid_request", "a"),
    "deep JSON": ('{"prompt": ' + "[" * 100_000 + "]" * 100_000 + "}", "invalid_json", None),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "code", "call_id"), MISTAKES.values(), ids=MISTAKES)
async def test_a_message_that_means_nothing_gets_an_error_and_the_socket_stays(
    sent: str | bytes, code: str, call_id: Any
):
    async with gateway() as stage, opened(stage) as socket:
        await socket.send(sent)
        error = await received(socket)
        await ask(socket, model="offline", id="after")
        *_, last = await answered(socket)
        records = await stage.observed()
    assert (error["code"], error["finished"], error.get("id")) == (code, True, call_id) and error["error"]
    assert last["id"] == "after" and "error" not in last
    assert [record.error_code for record in records] == [code, None]


async def test_two_calls_of_one_id_at_once_are_one_too_many():
    fake = FakeOpenAI(Endless("palabras ", pause=0.01))
    async with staged(fake) as stage, opened(stage) as socket:
        await ask(socket)
        await received(socket)
        await ask(socket, "otra")
        messages = await answered(socket)
    assert (messages[-1]["code"], len(fake.calls)) == ("id_in_use", 1)


async def test_at_most_so_many_calls_at_once():
    hold = asyncio.Event()
    fake = FakeOpenAI(always=Says("x", hold=hold))
    async with staged(fake) as stage, opened(stage) as socket:
        for number in range(MOST_AT_ONCE + 1):
            await ask(socket, str(number), id=number)
        refused = await received(socket)
        hold.set()
        done = [(await answered(socket))[-1] for _ in range(MOST_AT_ONCE)]
    assert (refused["code"], refused["id"]) == ("too_many_calls", MOST_AT_ONCE)
    assert sum("error" not in message for message in done) == MOST_AT_ONCE


async def test_a_message_over_the_limit_closes_the_socket():
    async with gateway() as stage, opened(stage, max_size=None) as socket:
        await socket.send("x" * (1024 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd and closed.value.rcvd.code == 1009


HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def test_a_client_that_does_not_read_is_left():
    fake = FakeOpenAI(always=Endless("palabras " * 10_000))
    async with staged(fake, CLIENT_SEND_TIMEOUT="0.2") as stage:
        reader, writer = await asyncio.open_connection(*stage.url.removeprefix("http://").split(":"), limit=1024)
        writer.write(HANDSHAKE.encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined] - a socket's transport has it
        writer.write(Frame(Opcode.TEXT, b'{"prompt": "Hola", "model": "gpt-4o"}').serialize(mask=True))
        assert await eventually(lambda: _ended(stage, 1)) == ["cancelled"]
        [call] = await stage.observed()
        writer.transport.abort()
    assert call.error_code == "client_stalled"


# --- the handshake ---


async def test_keys_are_needed_where_keys_are_asked_for():
    async with gateway(AUTH_MODE="keys", API_KEYS="user-key-1") as stage:
        for options in ({}, {"additional_headers": {"x-api-key": "wrong-key"}}):
            with pytest.raises(InvalidStatus) as refused:
                async with opened(stage, **options):
                    pass
            assert refused.value.response.status_code == 401
        offers = [Subprotocol("prompt.v1"), Subprotocol(to_subprotocol("user-key-1"))]
        async with opened(stage, subprotocols=offers) as socket:
            assert socket.subprotocol == "prompt.v1"
            await ask(socket, model="offline")
            assert "error" not in (await answered(socket))[-1]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"origin": Origin("https://evil.example")}, 403),
        ({"additional_headers": {"X-Session-ID": "a b"}}, 400),
    ],
)
async def test_a_handshake_is_refused_as_a_request_is(options: dict[str, Any], status: int):
    async with gateway() as stage:
        with pytest.raises(InvalidStatus) as refused:
            async with opened(stage, **options):
                pass
    assert refused.value.response.status_code == status
    assert msgspec.json.decode(refused.value.response.body or b"")["error"]["code"]


async def test_there_is_room_for_so_many_sockets():
    async with gateway(WS_MAX_CONNECTIONS="1") as stage, opened(stage), opened(stage) as second:
        assert (await received(second))["code"] == "too_many_sockets"
        with pytest.raises(ConnectionClosed):
            await second.recv()


async def test_a_page_is_told_what_the_address_is_for():
    async with gateway() as stage:
        answer = await stage.http.get("/ws")
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "upgrade_required")


# --- WS_PORT ---


async def test_the_socket_has_a_port_of_its_own_too():
    port = free_port()
    async with gateway(WS_PORT=str(port)) as stage:
        async with connect(f"ws://127.0.0.1:{port}/ws") as socket:
            await ask(socket, model="offline")
            assert "error" not in (await answered(socket))[-1]
        there = f"http://127.0.0.1:{port}"
        assert (await stage.http.get(f"{there}/ws")).status_code == 426
        assert (await stage.http.get(f"{there}/healthz")).status_code == 200
        assert (await stage.http.post(f"{there}/api/v1/generate", json={"prompt": "x"})).status_code == 404
        with pytest.raises(InvalidStatus):
            async with connect(f"ws://127.0.0.1:{port}/ws", origin=Origin("https://evil.example")):
                pass
