"""Who is let in: the page opened from disk with its token, and a service that asks for keys."""

import pytest
from playwright.async_api import Browser, expect
from service_kit.auth.keys import from_subprotocols

from tests.agent_websocket.page.fake_agent import PAGE, FakeAgent, running_agent
from tests.agent_websocket.page.visitor import Visitor, visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "clave+/ñ=~"


async def fill_access(visitor: Visitor, agent: FakeAgent, token: str) -> None:
    await visitor.page.get_by_label("Dirección del agente").fill(f"ws://localhost:{agent.port}/")
    await visitor.page.get_by_label("Token que aparece en la terminal").fill(token)
    await visitor.page.keyboard.press("Enter")


async def test_from_disk_it_asks_for_the_token_once_and_says_why(visitor: Visitor):
    async with running_agent(token=SECRET) as agent:
        await visitor.page.goto(PAGE.as_uri())
        await expect(visitor.dialog).to_be_visible()
        await expect(visitor.dialog).to_contain_text("podría hacerse pasar por ella")
        await expect(visitor.dialog.get_by_role("link")).to_have_attribute("href", "http://localhost:8002/")
        assert agent.handshakes == []

        await fill_access(visitor, agent, SECRET)
        await visitor.is_connected()
        await expect(visitor.dialog).to_be_hidden()
        request = agent.handshakes[0]
        offered = request.headers["Sec-WebSocket-Protocol"].split(", ")
        assert offered[0] == "agent.v1"
        assert from_subprotocols(offered) == SECRET
        assert SECRET not in request.path
        assert request.headers["Origin"] == "null"

        await visitor.page.reload()
        await visitor.is_connected()
        await expect(visitor.dialog).to_be_hidden()


async def test_from_disk_a_wrong_token_is_asked_for_again(visitor: Visitor):
    async with running_agent(token=SECRET) as agent:
        await visitor.page.goto(PAGE.as_uri())
        await fill_access(visitor, agent, "otra")
        await expect(visitor.dialog.get_by_role("alert")).to_contain_text("No se ha podido conectar")
        await fill_access(visitor, agent, SECRET)
        await visitor.is_connected()


async def test_from_disk_an_address_of_another_kind_is_explained(visitor: Visitor):
    await visitor.page.goto(PAGE.as_uri())
    await visitor.page.get_by_label("Dirección del agente").fill("localhost:8002")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.dialog.get_by_role("alert")).to_contain_text("ws://")


async def test_from_disk_it_can_be_left_for_later(visitor: Visitor):
    await visitor.page.goto(PAGE.as_uri())
    await visitor.page.get_by_role("button", name="Ahora no").click()
    await expect(visitor.dialog).to_be_hidden()
    await expect(visitor.link).to_have_attribute("data-link", "closed")
    await expect(visitor.message).to_be_focused()
    await visitor.link.click()
    await expect(visitor.dialog).to_be_visible()


async def test_a_served_page_asks_for_a_key_only_when_it_is_refused(browser: Browser):
    async with running_agent(token=SECRET) as agent, visiting(browser) as visitor:
        await visitor.page.goto(agent.url)
        await expect(visitor.dialog).to_contain_text("ha rechazado la conexión")
        await expect(visitor.page.get_by_label("Dirección del agente")).to_be_hidden()
        await visitor.page.get_by_label("Clave de acceso").fill(SECRET)
        await visitor.page.get_by_role("button", name="Conectar", exact=True).click()
        await visitor.is_connected()
        await expect(visitor.dialog).to_be_hidden()
        assert await visitor.page.evaluate("Object.values(localStorage).join()") == ""
        assert visitor.page.url == agent.url


async def test_a_served_page_whose_service_is_away_does_not_ask_for_a_key(visitor: Visitor):
    async with running_agent() as agent:
        await visitor.page.clock.install()
        await visitor.open(agent.url)
    for _ in range(5):
        await expect(visitor.link).to_have_attribute("data-link", "waiting")
        await visitor.page.clock.fast_forward(30_000)
    await expect(visitor.dialog).to_be_hidden()


async def test_an_open_service_is_not_asked_with_a_subprotocol(connected: Visitor, agent: FakeAgent):
    assert "Sec-WebSocket-Protocol" not in agent.handshakes[0].headers
