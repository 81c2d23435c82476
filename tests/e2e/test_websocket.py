"""The WebSocket protocol of the real suite, as a plain client sees it."""

from __future__ import annotations

import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.suite import UpProcess


async def _until(socket: ClientConnection, *types: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] not in types:
        events.append(json.loads(await socket.recv()))
    return events


async def _ask(socket: ClientConnection, question: str, **more: Any) -> list[dict[str, Any]]:
    await socket.send(json.dumps({"type": "message", "content": question, **more}))
    return await _until(socket, "complete", "error", "cancelled")


def _url(suite: UpProcess, connection_id: str = "") -> str:
    return suite.ws.replace("http", "ws") + "/ws" + (f"/{connection_id}" if connection_id else "")


async def test_the_events_of_a_sum_are_those_of_the_contract(suite: UpProcess) -> None:
    async with connect(_url(suite)) as socket:
        connected = json.loads(await socket.recv())
        assert connected["type"] == "connected"
        assert {tool["name"] for tool in connected["tools"]} == {"add", "multiply", "uppercase", "count_words"}
        assert "offline" in {model["name"] for model in connected["models"]}
        events = await _ask(socket, "suma 10 y 5")
    kinds = [event["type"] for event in events]
    assert [kind for kind in kinds if kind != "token"] == [
        "start", "step", "step", "tool_call", "tool_result", "step", "response", "complete",
    ]  # fmt: skip
    assert [event.get("node") for event in events if event["type"] == "step"] == ["process_input", "llm", "llm"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["run_id"] for event in events}) == 1
    response, complete = events[-2], events[-1]
    assert "".join(event["content"] for event in events if event["type"] == "token") == response["content"]
    assert "15" in response["content"]
    assert complete["steps"] == 5


async def test_a_client_that_comes_back_gets_what_it_missed_once_and_in_order(suite: UpProcess) -> None:
    async with connect(_url(suite, "comes-back")) as socket:
        epoch = json.loads(await socket.recv())["epoch"]
        await socket.send(json.dumps({"type": "message", "content": "suma 4 y 6, luego multiplica el resultado por 2"}))
        first = [json.loads(await socket.recv()) for _ in range(3)]
    async with connect(_url(suite, "comes-back")) as socket:
        await socket.recv()
        await socket.send(json.dumps({"type": "resume", "after": first[-1]["seq"], "epoch": epoch}))
        rest = await _until(socket, "complete")
    seqs = [event["seq"] for event in [*first, *rest]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert "20" in rest[-2]["content"]


async def test_english_is_answered_in_english_and_a_ping_with_a_pong(suite: UpProcess) -> None:
    async with connect(_url(suite)) as socket:
        await socket.recv()
        await socket.send('{"type": "ping"}')
        assert json.loads(await socket.recv())["type"] == "pong"
        events = await _ask(socket, "add 4 and 6, then multiply the result by 2")
    assert "20" in events[-2]["content"]
    assert "result" in events[-2]["content"].lower()


async def test_nonsense_is_an_error_and_the_connection_stays(suite: UpProcess) -> None:
    async with connect(_url(suite)) as socket:
        await socket.recv()
        for frame in ("{", '{"type": "dance"}', "[]", '{"type": "message"}', '{"type": "message", "content": 7}'):
            await socket.send(frame)
            assert json.loads(await socket.recv())["type"] == "error"
        events = await _ask(socket, "suma 1 y 1")
    assert "2" in events[-2]["content"]
