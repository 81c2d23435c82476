import asyncio

import pytest
from agent_core.clients.caller import Caller
from agent_core.clients.gateway import Gateway, open_gateway
from agent_core.clients.gateway_stream import ModelAnswer
from agent_core.errors import GatewayUnavailable
from agent_core.testing import Answer, ScriptedGateway, Wire
from service_kit.testing import running
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.ports import free_port
from tests.waiting import eventually

PAYLOAD = {"model": "offline", "messages": [{"role": "user", "content": "hola"}]}


async def pieces_of(gateway: Gateway) -> list[str | ModelAnswer]:
    return [piece async for piece in gateway.generate(PAYLOAD, Caller())]


async def test_text_comes_in_pieces_and_the_answer_last():
    async with ScriptedGateway([Answer("uno dos tres")]).running() as url, open_gateway(url) as gateway:
        pieces = await pieces_of(gateway)
    assert pieces[:-1] == ["uno", " dos", " tres"]
    assert isinstance(pieces[-1], ModelAnswer)


async def test_what_headers_cannot_carry_is_left_out():
    scripted = ScriptedGateway([Answer("ok")])
    async with scripted.running() as url, open_gateway(url) as gateway:
        async for _ in gateway.generate(PAYLOAD, Caller(user="ñandú", request_id="a\r\nb: c")):
            pass
    assert "x-user-id" not in scripted.headers[0] and "x-request-id" not in scripted.headers[0]
    assert "authorization" not in scripted.headers[0] and "b" not in scripted.headers[0]


async def test_leaving_a_stream_closes_its_connection():
    scripted = ScriptedGateway([Answer("uno dos", stall=30)])
    async with scripted.running() as url, open_gateway(url) as gateway:
        answers = gateway.generate(PAYLOAD, Caller())
        assert await anext(answers) == "uno"
        await answers.aclose()
        await eventually(lambda: scripted.abandoned)


async def test_nobody_there():
    async with open_gateway(f"http://127.0.0.1:{free_port()}") as gateway:
        with pytest.raises(GatewayUnavailable):
            await gateway.models()
        with pytest.raises(GatewayUnavailable):
            await pieces_of(gateway)


async def test_a_name_that_does_not_resolve():
    async with open_gateway("http://no-such-host.invalid") as gateway:
        with pytest.raises(GatewayUnavailable):
            await gateway.models()


async def test_a_gateway_that_comes_back_needs_no_new_client():
    scripted = ScriptedGateway([Answer("uno"), Answer("dos")])
    async with scripted.running() as url, Wire.to(url) as wire, open_gateway(wire.url) as gateway:
        assert (await pieces_of(gateway))[0] == "uno"
        await wire.cut()
        with pytest.raises(GatewayUnavailable):
            await gateway.models()
        await wire.mend()
        assert (await pieces_of(gateway))[0] == "dos"


async def test_the_list_has_the_models_and_the_default():
    async with ScriptedGateway(default="gpt-4o").running() as url, open_gateway(url) as gateway:
        models, default = await gateway.models()
    assert default == "gpt-4o"
    assert (models[0].name, models[0].provider, models[0].available) == ("bedrock-nova-pro", "aws", False)


async def test_a_silent_gateway_is_not_waited_for_when_it_is_only_asked_for_its_models():
    async with ScriptedGateway().running() as url, Wire.to(url) as wire, open_gateway(wire.url) as gateway:
        wire.silence()
        async with asyncio.timeout(10):
            with pytest.raises(GatewayUnavailable):
                await gateway.models()


@pytest.mark.parametrize(
    "response", [Response("<html>hi</html>"), Response("{}"), RedirectResponse("http://127.0.0.1:9/elsewhere")]
)
async def test_something_that_is_no_gateway(response):
    async def answer(request):
        return response

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    async with running(app) as url, open_gateway(url) as gateway:
        with pytest.raises(Exception, match="gateway"):
            await gateway.models()
        with pytest.raises(Exception, match="gateway"):
            await pieces_of(gateway)
