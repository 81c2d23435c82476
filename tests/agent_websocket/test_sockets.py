"""Sockets that misbehave: slow, silent, half-closed, too many."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest
from agent_core.events import Token
from agent_websocket.testing import ScriptedAgent, begin, finish
from websockets.exceptions import ConnectionClosedError

from tests.waiting import eventually


def flood(count: int, size: int):
    """A script that says `count` tokens of `size` characters."""

    async def script(request, emit):
        begin(request, emit)
        for _ in range(count):
            emit(Token(run_id=request.run_id, content="x" * size))
            await asyncio.sleep(0)
        finish(request, emit, "done")

    return script


async def raw_socket(stage):
    """A WebSocket without a client that answers, reads or closes."""
    address = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in await reader.readline()
    return reader, writer


async def test_a_slow_reader_slows_nobody_and_may_resume(stage_of):
    agent = ScriptedAgent(flood(400, 20_000))
    async with stage_of(agent, EVENT_LOG_MAX_BYTES="2000000") as stage:
        # It takes one frame at a time off the wire and nothing more until it is asked.
        async with stage.client("c", max_queue=1) as slow, stage.client("c") as quick:
            await quick.say("go")
            frames = await quick.until("complete")
            assert len(frames) == 405
            seen = 0
            with pytest.raises(ConnectionClosedError):
                while True:
                    seen = (await slow.next())["seq"]
            assert 0 < seen < 405
            assert slow.connection.close_code == 1013
        async with stage.client("c") as again:
            await again.resume(seen)
            assert (await again.next())["code"] == "resume_failed"
            snapshot = await again.next()
            assert snapshot["events"][-1]["type"] == "complete"


async def test_a_reader_that_takes_nothing_is_given_up(stage_of):
    agent = ScriptedAgent(flood(400, 20_000))
    async with (
        stage_of(agent, WS_SEND_TIMEOUT_SECONDS="0.2") as stage,
        stage.client("c", max_queue=1),
        stage.client("c") as quick,
    ):
        assert await active(stage) == 2
        await quick.say("go")
        await quick.until("complete")
        await until_active(stage, 1)


async def active(stage) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"{stage.url}/health")).json()["active_connections"]


async def until_active(stage, count: int) -> None:
    async def so_many() -> bool:
        return await active(stage) == count

    await eventually(so_many)


async def test_health_counts_sockets(stage):
    assert await active(stage) == 0
    async with stage.client(), stage.client():
        assert await active(stage) == 2
    await until_active(stage, 0)


async def test_a_reset_or_half_closed_socket_ends_without_a_trace(stage, caplog):
    async with stage.client("c") as client:
        await client.say("x")
        client.connection.transport.abort()
    reader, writer = await raw_socket(stage)
    writer.write_eof()
    async with asyncio.timeout(5):
        await reader.read()
    await until_active(stage, 0)
    writer.close()
    assert not [record for record in caplog.records if record.levelname == "ERROR" or record.exc_info]


async def test_a_peer_that_no_longer_answers_pings_is_given_up(stage_of):
    async with stage_of(server={"ws_ping_interval": 0.1, "ws_ping_timeout": 0.1}) as stage, stage.client():
        reader, writer = await raw_socket(stage)
        async with asyncio.timeout(5):
            await reader.read()  # to the end that the service makes
        await until_active(stage, 1)
        writer.close()


async def test_past_the_limit_a_socket_is_told_and_closed(stage_of):
    async with stage_of(WS_MAX_CONNECTIONS="2") as stage:
        async with stage.client(), stage.client(), stage.client() as third:
            assert (third.greeting["type"], third.greeting["code"]) == ("error", "too_many_connections")
            assert await third.closed() == 1013
        await until_active(stage, 0)
        async with stage.client() as later:
            assert later.greeting["type"] == "connected"


async def test_a_client_that_only_pings_and_never_reads_is_pushed_back(stage_of):
    async with stage_of(WS_SEND_TIMEOUT_SECONDS="0.2") as stage:
        reader, writer = await raw_socket(stage)
        reader._limit = 1  # type: ignore[attr-defined]  # stop taking after a little
        ping = b'{"type":"ping"}'
        frame = bytes([0x81, 0x80 | len(ping), 0, 0, 0, 0]) + ping
        sent = 0
        try:
            async with asyncio.timeout(1.5):
                while sent < 400_000:
                    writer.write(frame * 1_000)
                    sent += 1_000
                    await writer.drain()
        except (TimeoutError, ConnectionError):
            pass
        assert sent < 400_000
        writer.transport.abort()


async def test_a_service_that_stops_waits_for_what_is_still_to_be_read(stage_of):
    async with stage_of(ScriptedAgent(flood(60, 100_000))) as stage, stage.client("c", max_queue=1) as client:
        await client.say("go")
        await eventually(lambda: stage.agent.requests)
        goodbye = asyncio.create_task(stage.app.state.lifecycle.run_shutdown_hooks())
        await client.next()  # one frame of many: the rest does not fit into what lies between
        assert not goodbye.done()
        assert len(await client.until("complete")) == 64
        assert await client.closed() == 1012
        async with asyncio.timeout(8):
            await goodbye
