"""The helper `running`: a real server in the test's own event loop."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from service_kit.testing import running


async def _hello(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


async def test_it_serves_and_stops():
    async with running(_hello, lifespan="off") as url, httpx.AsyncClient() as http:
        assert (await http.get(url)).text == "hello"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))


async def test_each_has_a_port_of_its_own():
    async with running(_hello, lifespan="off") as one, running(_hello, lifespan="off") as other:
        assert one != other


async def test_a_lifespan_that_fails_is_said():
    async def failing(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"):
        async with running(failing):
            pass
