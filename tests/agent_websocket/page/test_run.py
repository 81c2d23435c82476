"""A run on the page: from the question to the rendered answer, its figures and its marks."""

import pytest
from playwright.async_api import expect

from tests.agent_websocket.page.fake_agent import FakeAgent, sum_run
from tests.agent_websocket.page.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_whole_run_is_shown(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    assert (await agent.received("message")) == {"type": "message", "content": "suma 10 y 5"}
    await agent.emit(*sum_run("r1"))
    await expect(connected.answer().locator("strong")).to_have_text("15")
