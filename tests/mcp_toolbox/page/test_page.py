"""The catalog's page in a real browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import pytest
import pytest_asyncio
from mcp_toolbox.app import built_in, create_app
from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.registry.tool import Hints, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect
from pydantic import Field
from service_kit.settings import load
from service_kit.testing import running

from tests.browser import chromium

pytestmark = pytest.mark.asyncio(loop_scope="session")

ATTACK = '<img src="x" onerror="window.hacked = 1"><script>window.hacked = 1</script>'


def order(
    product: Annotated[Literal["té", "café"], Field(description="What.")],
    amount: Annotated[int, Field(description="How many.", ge=1)] = 1,
    express: Annotated[bool | None, Field(description="In a hurry.")] = None,
    extras: Annotated[list[str] | None, Field(description="More.")] = None,
    note: Annotated[str, Field(description="A note.", max_length=100)] = "",
) -> dict[str, Any]:
    """Order a product of the shop."""
    return {"product": product, "amount": amount, "express": express, "extras": extras, "note": note}


def erase(path: Annotated[str, Field(description="Where.")]) -> str:
    """Erase everything below a path."""
    return path


def refuse() -> str:
    """Fail on purpose."""
    raise ToolFailedError("la luna no está llena")


def attack(text: Annotated[str, Field(description=ATTACK)]) -> str:
    return ATTACK


attack.__doc__ = ATTACK
TOOLS = [
    from_function(order, Hints()),
    from_function(erase, Hints(destructive=True)),
    from_function(refuse, Hints(read_only=True)),
    from_function(attack, Hints(title=ATTACK)),
]


@asynccontextmanager
async def toolbox(**variables: str) -> AsyncIterator[str]:
    registry = ToolRegistry([*built_in(), *TOOLS])
    async with running(create_app(load(ToolboxSettings, variables), registry)) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


class Visitor:
    """Somebody who looks at the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    async def open(self, url: str) -> None:
        await self.page.goto(url)
        await expect(self.page.locator(".tool").first).to_be_visible()

    def tool(self, name: str) -> Locator:
        return self.page.locator("details.tool", has=self.page.get_by_role("heading", name=name, exact=True))

    async def unfold(self, name: str) -> Locator:
        tool = self.tool(name)
        await tool.locator("> summary").click()
        return tool

    async def call(self, tool: Locator) -> None:
        await tool.locator("button[type=submit]").click()


@asynccontextmanager
async def visiting(browser: Browser, **options: Any) -> AsyncIterator[Visitor]:
    context = await browser.new_context(**{"locale": "es-ES", **options})
    visitor = Visitor(await context.new_page())
    yield visitor
    assert visitor.complaints == []
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser) -> AsyncIterator[Visitor]:
    async with toolbox() as url, visiting(browser) as somebody:
        await somebody.open(url)
        yield somebody


def labeled(tool: Locator, name: str) -> Locator:
    """The field that a label names."""
    return tool.locator("input, select, textarea").and_(tool.get_by_label(re.compile(rf"^{name}\b")))


async def test_it_lists_servers_and_tools(visitor: Visitor):
    await expect(visitor.page.get_by_role("status").first).to_have_text("8 herramientas")
    await expect(visitor.page.get_by_role("heading", level=2)).to_contain_text("Propias")
    await expect(visitor.tool("add").locator(".badge")).to_have_text(["solo lectura", "idempotente"])
    await expect(visitor.tool("erase").locator(".badge")).to_have_text(["destructiva", "mundo abierto"])


async def test_a_tool_is_tried(visitor: Visitor):
    tool = await visitor.unfold("add")
    await labeled(tool, "a").fill("0.1")
    await labeled(tool, "b").fill("0.2")
    await labeled(tool, "b").press("Enter")
    await expect(tool.locator(".answer > pre")).to_have_text("0.3")
    await expect(tool.locator(".time")).to_contain_text("ms")
    await tool.get_by_text("Respuesta completa").click()
    await expect(tool.locator(".answer details pre")).to_contain_text('"structuredContent":{"result":0.3}')


async def test_numbers_keep_their_digits(visitor: Visitor):
    tool = await visitor.unfold("add")
    await labeled(tool, "a").fill("9007199254740993")
    await labeled(tool, "b").fill("0")
    await visitor.call(tool)
    await expect(tool.locator(".answer > pre")).to_have_text("9007199254740993")


async def test_what_is_wrong_is_said_before_anything_is_sent(visitor: Visitor):
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    tool = await visitor.unfold("add")
    await labeled(tool, "b").fill("cinco")
    await visitor.call(tool)
    await expect(tool.locator(".wrong")).to_have_text(["Hace falta un valor.", "Escribe un número, como 5 o 0.1."])
    await expect(labeled(tool, "a")).to_be_focused()
    await expect(labeled(tool, "a")).to_have_attribute("aria-invalid", "true")
    assert asked == []


async def test_each_kind_of_field(visitor: Visitor):
    tool = await visitor.unfold("order")
    assert await labeled(tool, "product").locator("option").all_text_contents() == ["(sin valor)", "té", "café"]
    await labeled(tool, "product").select_option("té")
    await labeled(tool, "amount").fill("2")
    await labeled(tool, "express").select_option("sí")
    await labeled(tool, "extras").fill('["ñ", "👋"]')
    await visitor.call(tool)
    expected = '{"product":"té","amount":2,"express":true,"extras":["ñ","👋"],"note":""}'
    await expect(tool.locator(".answer > pre")).to_have_text(expected)
    await labeled(tool, "extras").fill("[nope")
    await labeled(tool, "amount").fill("1.5")
    await visitor.call(tool)
    await expect(tool.locator(".wrong:visible")).to_have_text(["Escribe un número entero.", "No es JSON válido."])


async def test_what_is_left_empty_is_left_out(visitor: Visitor):
    tool = await visitor.unfold("order")
    await labeled(tool, "product").select_option("café")
    async with visitor.page.expect_request("**/mcp/tools/call") as sent:
        await visitor.call(tool)
    assert (await sent.value).post_data == '{"name":"order","arguments":{"product":"café"}}'


async def test_what_the_toolbox_refuses_is_at_its_field(visitor: Visitor):
    tool = await visitor.unfold("order")
    await labeled(tool, "product").select_option("café")
    await labeled(tool, "amount").fill("0")
    await visitor.call(tool)
    await expect(tool.get_by_role("heading", name="La llamada no se aceptó")).to_be_visible()
    await expect(tool.locator(".wrong:visible")).to_contain_text("amount")


async def test_a_tools_failure_is_shown(visitor: Visitor):
    tool = await visitor.unfold("refuse")
    await expect(tool).to_contain_text("No necesita argumentos.")
    await visitor.call(tool)
    await expect(tool.get_by_role("heading", name="La herramienta falló")).to_be_visible()
    await expect(tool.locator(".answer > pre")).to_have_text("la luna no está llena")


async def test_a_destructive_tool_says_why_it_cannot_be_tried(visitor: Visitor):
    tool = await visitor.unfold("erase")
    await expect(tool.locator(".note")).to_contain_text("por REST no se le puede preguntar")
    await expect(tool.locator("button")).to_have_count(0)
    await tool.get_by_text("Esquema de entrada").click()
    await expect(tool.locator("pre").first).to_contain_text('"path"')


async def test_the_filter_finds_without_accents(visitor: Visitor):
    await visitor.page.get_by_label("Filtrar herramientas").fill("NÚMBERS exact")
    await expect(visitor.page.get_by_role("status").first).to_have_text("2 de 8 herramientas")
    await expect(visitor.page.locator(".tool:visible h3")).to_have_text(["add", "multiply"])
    await visitor.page.get_by_label("Filtrar herramientas").fill("zzz")
    await expect(visitor.page.get_by_text("Ninguna herramienta coincide.")).to_be_visible()
    await visitor.page.get_by_label("Filtrar herramientas").fill("")
    await expect(visitor.page.locator(".tool:visible")).to_have_count(8)


async def test_what_tools_say_stays_text(visitor: Visitor):
    tool = await visitor.unfold("attack")
    await expect(tool.locator(".said")).to_have_text(ATTACK)
    await labeled(tool, "text").fill(ATTACK)
    await visitor.call(tool)
    await expect(tool.locator(".answer > pre")).to_have_text(ATTACK)
    assert await visitor.page.locator("img").count() == 0
    assert await visitor.page.evaluate("window.hacked") is None


async def test_it_works_by_keyboard_alone(visitor: Visitor):
    await expect(visitor.tool("add")).to_be_visible()
    await visitor.page.keyboard.press("Tab")
    await expect(visitor.page.get_by_role("link", name="Ir a las herramientas")).to_be_focused()
    await visitor.page.keyboard.press("Enter")
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Enter")  # the first tool unfolds
    for key in ("Tab", "5", "Tab", "3", "Enter"):
        await visitor.page.keyboard.press(key)
    await expect(visitor.tool("add").locator(".answer > pre")).to_have_text("8")


async def test_a_key_is_asked_for_and_kept_in_the_tab(browser: Browser):
    async with (
        toolbox(AUTH_MODE="keys", API_KEYS="key-one,key-two") as url,
        visiting(browser) as visitor,
    ):
        await visitor.page.goto(url)
        key = visitor.page.get_by_label("Clave de acceso")
        for wrong in ("guess", "ñandú"):
            await key.fill(wrong)
            await key.press("Enter")
            await expect(visitor.page.get_by_role("alert")).to_have_text("Esa clave no vale aquí.")
        await key.fill("key-two")
        await key.press("Enter")
        await expect(visitor.page.locator(".tool")).to_have_count(8)
        await expect(visitor.page.get_by_role("alert")).to_be_empty()
        assert "key" not in visitor.page.url
        tool = await visitor.unfold("uppercase")
        await labeled(tool, "text").fill("ñ")
        await visitor.call(tool)
        await expect(tool.locator(".answer > pre")).to_have_text("Ñ")
        await visitor.page.reload()
        await expect(visitor.page.locator(".tool")).to_have_count(8)
        other = await visitor.page.context.new_page()
        await other.goto(url)
        await expect(other.get_by_label("Clave de acceso")).to_be_visible()


async def test_it_works_behind_a_prefix_in_english(browser: Browser):
    async with toolbox(ROOT_PATH="/api/tools") as url, visiting(browser, locale="en-GB") as visitor:
        await visitor.open(f"{url}/api/tools/")
        await expect(visitor.page.get_by_role("status").first).to_have_text("8 tools")
        tool = await visitor.unfold("add")
        await labeled(tool, "a").fill("5")
        await labeled(tool, "b").fill("3")
        await tool.get_by_role("button", name="Call").click()
        await expect(tool.locator(".answer > pre")).to_have_text("8")


async def test_a_toolbox_that_has_gone_is_said(browser: Browser):
    async with visiting(browser) as visitor:
        async with toolbox() as url:
            await visitor.open(url)
            tool = await visitor.unfold("refuse")
        await visitor.call(tool)
        await expect(tool.locator(".answer > pre")).to_contain_text("no responde")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_nothing_runs_over_the_edge(browser: Browser, scheme: Any, width: int):
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 700}}
    async with toolbox() as url, visiting(browser, **options) as visitor:
        await visitor.open(url)
        for name in ("order", "attack", "erase"):
            await visitor.unfold(name)
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= width


async def test_it_asks_nobody_else(browser: Browser):
    async with toolbox() as url, visiting(browser) as visitor:
        asked: list[str] = []
        visitor.page.on("request", lambda request: asked.append(request.url))
        await visitor.open(url)
        assert asked == [f"{url}/", f"{url}/mcp/catalogue"]
