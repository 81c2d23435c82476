import asyncio

import pytest
from agent_core.clients.gateway import open_gateway
from agent_core.clients.models import FALLBACK_DEFAULT, Models
from agent_core.deadline import Deadline
from agent_core.errors import GatewayUnavailable
from agent_core.testing import ScriptedGateway, Wire


async def test_many_askers_share_one_question():
    scripted = ScriptedGateway()
    async with scripted.running() as url, Wire.to(url) as wire, open_gateway(wire.url) as gateway:
        models = Models(gateway, None)
        listings = await asyncio.gather(*[models.listing() for _ in range(20)])
        assert all(listing is listings[0] for listing in listings) and listings[0].connected
        await wire.cut()
        assert (await models.listing()) is listings[0]


async def test_the_default_is_the_configured_one_else_the_gateways_else_the_rules():
    async with ScriptedGateway(default="gpt-4o").running() as url, open_gateway(url) as gateway:
        assert await Models(gateway, "ollama").default(Deadline.after(5)) == "ollama"
        assert await Models(gateway, None).default(Deadline.after(5)) == "gpt-4o"
    async with ScriptedGateway(default=None).running() as url, open_gateway(url) as gateway:
        assert await Models(gateway, None).default(Deadline.after(5)) == FALLBACK_DEFAULT


async def test_a_gateway_that_is_away_lists_nothing():
    async with open_gateway("http://127.0.0.1:1") as gateway:
        models = Models(gateway, None)
        listing = await models.listing()
        assert (listing.models, listing.connected) == ([], False)
        with pytest.raises(GatewayUnavailable):
            await models.default(Deadline.after(0.3))


async def test_the_default_is_not_guessed_while_the_gateway_restarts():
    async with (
        ScriptedGateway(default="gpt-4o").running() as url,
        Wire.to(url) as wire,
        open_gateway(wire.url) as gateway,
    ):
        await wire.cut()
        models = Models(gateway, None)
        asked = asyncio.create_task(models.default(Deadline.after(20)))
        assert not (await models.listing()).connected
        await wire.mend()
        assert await asked == "gpt-4o"


@pytest.mark.parametrize(
    ("supports", "offered"),
    [
        ({"supports": ["tools", "stream"]}, True),
        ({"supports": ["tools", "emulated_tools"]}, True),
        ({"supports": ["emulated_tools", "stream"]}, False),
        ({"supports": ["stream"]}, False),
        ({"supports": []}, True),
        ({}, True),
    ],
)
async def test_tools_are_offered_to_those_who_are_good_at_them(supports: dict[str, list[str]], offered: bool):
    row = {"name": "m", "provider": "p", "description": "", "available": True, **supports}
    async with ScriptedGateway(models=[row]).running() as url, open_gateway(url) as gateway:
        models = Models(gateway, None)
        assert await models.takes_tools("m") is offered
        assert await models.takes_tools("unlisted")
