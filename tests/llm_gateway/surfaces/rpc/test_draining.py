"""A gateway that stops: a gRPC call that is under way ends by itself, and no other begins."""

from __future__ import annotations

import asyncio

import grpc
from fake_providers import FakeOpenAI, Says
from llm_gateway.app import build_parts, create_app
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load
from service_kit.testing import running

from tests.llm_gateway.harness import KEY
from tests.llm_gateway.surfaces.rpc.test_rpc import ask, connected, free_port, refused
from tests.waiting import eventually


async def test_what_is_under_way_ends_and_the_rest_is_refused():
    hold = asyncio.Event()
    fake, port = FakeOpenAI(Says("Hola", hold=hold)), free_port()
    async with running(fake) as upstream:
        environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{upstream}/v1", "GRPC_PORT": str(port)}
        settings = load(GatewaySettings, environ)
        app = create_app(settings, build_parts(settings, environ))
        async with running(app), connected(port) as client, connected(port) as other:
            asked = asyncio.ensure_future(client.generate(ask()))
            await fake.call(0)
            stopping = asyncio.create_task(app.state.lifecycle.run_shutdown_hooks())

            async def refuses() -> bool:
                return (await refused(other.generate(ask("otra", model="nope"))))[0] == grpc.StatusCode.UNAVAILABLE

            assert await eventually(refuses)
            hold.set()
            assert (await asked).content == "Hola"
            await stopping
