"""One Chromium for all tests of the page, a fake agent for each, and a page that may not break its own policy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.agent_websocket.page.fake_agent import FakeAgent, running_agent
from tests.agent_websocket.page.visitor import Visitor, visiting
from tests.browser import chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def agent() -> AsyncIterator[FakeAgent]:
    async with running_agent() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser) -> AsyncIterator[Visitor]:
    """Somebody with a Spanish browser on a desktop screen."""
    async with visiting(browser) as somebody:
        yield somebody


@pytest_asyncio.fixture(loop_scope="session")
async def connected(visitor: Visitor, agent: FakeAgent) -> Visitor:
    """The same, with the page that the agent serves open and connected."""
    await visitor.open(agent.url)
    return visitor
