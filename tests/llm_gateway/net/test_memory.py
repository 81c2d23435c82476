"""What a call held is free when it is over, without the garbage collector, which comes by rarely in a service."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from fake_providers import FakeOpenAI, Says
from llm_gateway.catalog.models import Timeouts
from llm_gateway.errors import UpstreamProtocol
from llm_gateway.net.http1 import Connection
from llm_gateway.net.transport import Transport
from llm_gateway.surfaces.http.request_body import Watch

from tests.llm_gateway.harness import staged
from tests.peers import listening
from tests.waiting import eventually

LIMITS = Timeouts(connect=5, first_token=5, idle=5, total=5)


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _living(kind: type[Any]) -> int:
    return sum(type(one) is kind for one in gc.get_objects())


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_leaves_no_circle_behind(stream: bool):
    before = _living(Watch)
    async with staged(FakeOpenAI(*[Says("x", pause=0.01)] * 3)) as stage:
        for number in range(3):
            await stage.chat(stream=stream, messages=[{"role": "user", "content": f"question {number}"}])
        await eventually(lambda: _living(Watch) <= before)


async def test_a_connection_that_was_hung_up_is_free_with_what_was_unread():
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 500_000)
        await reader.read()

    transport = Transport(max_connections=4, max_bytes=1000)
    async with listening(peer) as port, transport.running():
        before = _living(Connection)
        for _ in range(3):
            with pytest.raises(UpstreamProtocol):
                await transport.post(f"http://127.0.0.1:{port}/", {}, b"{}", LIMITS)
        await eventually(lambda: _living(Connection) <= before)


async def test_a_connection_that_was_closed_before_it_was_used_is_an_error_and_not_a_crash():
    connection = Connection(asyncio.get_running_loop())
    connection.connection_lost(None)
    connection.send(b"POST / HTTP/1.1\r\n\r\n")
    assert connection.error is not None and connection.closed
    found = weakref.ref(connection)
    del connection
    assert found() is None
