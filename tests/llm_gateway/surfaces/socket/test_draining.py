"""A gateway that stops: what is under way on its sockets ends by itself, and nothing new begins."""

from __future__ import annotations

import asyncio

import pytest
from fake_providers import FakeOpenAI, Says
from llm_gateway.app import build_parts, create_app
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load
from service_kit.testing import running
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.llm_gateway.harness import KEY
from tests.llm_gateway.surfaces.socket.test_socket import answered, ask, received


async def test_what_is_under_way_ends_and_the_rest_is_refused():
    hold = asyncio.Event()
    fake = FakeOpenAI(Says("Hola", hold=hold))
    async with running(fake) as upstream:
        environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{upstream}/v1"}
        settings = load(GatewaySettings, environ)
        app = create_app(settings, build_parts(settings, environ))
        async with running(app) as url, connect(f"{url.replace('http', 'ws', 1)}/ws") as socket:
            await ask(socket, id="a")
            await fake.call(0)
            stopping = asyncio.create_task(app.state.lifecycle.run_shutdown_hooks())
            await asyncio.sleep(0)
            await ask(socket, "otra", id="b")
            assert (await received(socket))["code"] == "stopping"
            hold.set()
            assert (await answered(socket))[0] == {"id": "a", "content": "Hola", "finished": False, "index": 0}
            await stopping
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd and closed.value.rcvd.code == 1012
