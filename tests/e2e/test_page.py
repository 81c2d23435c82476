"""The chat page in a real browser against the real suite."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.agent_websocket.page.visitor import Visitor, visiting
from tests.browser import chromium
from tests.e2e.suite import ROOT, UpProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = ROOT / "test-artifacts" / "e2e"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser) -> AsyncIterator[Visitor]:
    async with visiting(browser) as somebody:
        yield somebody


async def _picture(visitor: Visitor, name: str) -> Path:
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    await visitor.page.screenshot(path=path)
    return path


async def test_a_question_shows_its_tools_and_its_answer(visitor: Visitor, suite: UpProcess) -> None:
    await visitor.open(suite.ws)
    await _picture(visitor, "empty")
    await visitor.ask("Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas")
    await expect(visitor.cards()).to_have_count(2)
    await expect(visitor.answer()).to_contain_text("200")
    await expect(visitor.last).to_contain_text("multiply")
    await _picture(visitor, "answered")


async def test_the_stand_in_of_a_chosen_model_is_marked(visitor: Visitor, suite: UpProcess) -> None:
    await visitor.open(suite.ws)
    await visitor.ask("usa gemini, multiplica 7 por 8")
    await expect(visitor.answer()).to_contain_text("56")
    await expect(visitor.last).to_contain_text("gemini-pro")
    await expect(visitor.last).to_contain_text("offline")


async def test_the_model_picker_offers_the_gateways_models(visitor: Visitor, suite: UpProcess) -> None:
    await visitor.open(suite.ws)
    options = visitor.models.locator("option")
    await expect(options.filter(has_text=re.compile("^offline"))).to_have_count(1)
    await visitor.models.select_option("offline")
    await visitor.ask("suma 2 y 2")
    await expect(visitor.answer()).to_contain_text("4")


async def test_an_error_is_shown_and_the_next_question_works(visitor: Visitor, suite: UpProcess) -> None:
    await visitor.open(suite.ws)
    await visitor.ask("x" * 40_000)
    await expect(visitor.last).to_contain_text("40000")
    await _picture(visitor, "after-an-error")
    await visitor.ask("suma 10 y 5")
    await expect(visitor.answer()).to_contain_text("15")


async def test_a_conversation_survives_a_reload(visitor: Visitor, suite: UpProcess) -> None:
    await visitor.open(suite.ws)
    await visitor.ask("suma 10 y 5")
    await expect(visitor.answer()).to_contain_text("15")
    await visitor.page.reload()
    await visitor.is_connected()
    await expect(visitor.answer()).to_contain_text("15")
    await visitor.ask("ahora multiplícalo por 3")
    await expect(visitor.answer()).to_contain_text("45")


async def test_the_api_pages_show_their_operations_offline(visitor: Visitor, suite: UpProcess) -> None:
    for service, operation in ((suite.gateway, "/v1/chat/completions"), (suite.http, "/process")):
        await visitor.page.goto(f"{service}/docs")
        await expect(visitor.page.locator(f'[data-path="{operation}"]').first).to_be_visible()
