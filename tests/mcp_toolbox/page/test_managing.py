"""Servers and calls on the catalog's page, in a real browser: by mouse, by keyboard alone, and judged by axe.

The pictures go to test-artifacts/catalog/.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from mcp_toolbox.app import built_in, create_app
from mcp_toolbox.settings import ToolboxSettings
from playwright.async_api import Browser, Locator, Page, expect
from service_kit.settings import load
from service_kit.testing import running

from tests.browser import chromium
from tests.docs.repository import ROOT
from tests.mcp_toolbox.page.conftest import LOOPBACK, toolbox_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
AXE = ROOT / "tests/node/node_modules/axe-core/axe.min.js"
PICTURES = ROOT / "test-artifacts/catalog"
HOSTILE = '<img src=x onerror="window.hacked = 1">'
LINKS = "chat=http://127.0.0.1:1/,agent=http://127.0.0.1:3/docs,gateway=http://127.0.0.1:2/docs"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def other() -> AsyncIterator[str]:
    """The address of an MCP server to add."""
    async with running(create_app(load(ToolboxSettings, {}), built_in())) as url:
        yield f"{url}/mcp"


@asynccontextmanager
async def visiting(
    browser: Browser, *, open_it: bool = True, locale: str = "es-ES", **variables: str
) -> AsyncIterator[Page]:
    async with toolbox_of(None, **{**LOOPBACK, "SUITE_URLS": LINKS, **variables}) as client:
        context = await browser.new_context(
            locale=locale, viewport={"width": 1100, "height": 800}, reduced_motion="reduce"
        )
        context.set_default_timeout(8000)
        await context.add_init_script(path=AXE)
        tab = await context.new_page()
        errors: list[str] = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        await tab.goto(str(client.base_url))
        if open_it:
            await expect(tab.locator(".tool").first).to_be_visible()
        yield tab
        assert errors == []
        await context.close()


async def is_accessible(page: Page) -> None:
    """Axe finds nothing to complain of, and nothing runs over the edge."""
    found = await page.evaluate("axe.run(document)")
    assert len(found["passes"]) > 10
    assert [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]] == []
    assert await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


async def look(page: Page, name: str) -> None:
    """Judges the state of the page in both themes and on a phone, and takes its pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for scheme, width in (("light", 1100), ("dark", 1100), ("light", 390), ("dark", 320)):
        await page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
        await page.set_viewport_size({"width": width, "height": 800})
        await is_accessible(page)
        await page.screenshot(path=PICTURES / f"{name}-{scheme}-{width}.png", animations="disabled", full_page=True)
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1100, "height": 800})


def config(url: str, *names: str) -> str:
    return json.dumps({"mcpServers": {name: {"url": url} for name in names}})


async def pasted(page: Page, text: str) -> Locator:
    """What the page says of a pasted config."""
    if not await page.locator("#adding").evaluate("panel => panel.open"):
        await page.get_by_text("Añadir un servidor").click()
    await page.get_by_label("Configuración de cualquier editor").fill(text)
    await page.get_by_role("button", name="Comprobar").click()
    found = page.locator("#checked")
    await expect(found).to_be_focused()
    return found


async def test_the_page_is_accessible_as_it_opens(browser: Browser):
    async with visiting(browser) as page:
        links = page.get_by_role("navigation", name="Servicios").get_by_role("link")
        assert await links.evaluate_all("all => all.map(each => each.href)") == [
            each.partition("=")[2] for each in LINKS.split(",")
        ]
        await look(page, "catalog")


async def test_a_server_is_checked_added_connected_anew_and_removed(browser: Browser, other: str):
    async with visiting(browser, DESTRUCTIVE_TOOLS="*__add") as page:
        found = await pasted(page, config(other, "notas"))
        await expect(found).to_contain_text("1 servidor listo para añadir.")
        await expect(found.locator("li", has_text="notas__add")).to_contain_text("pide permiso")
        await expect(found.locator("li", has_text="notas__multiply")).to_contain_text("solo lectura")
        await look(page, "checked")
        await found.get_by_role("button", name="Añadir").click()
        await expect(page.get_by_role("heading", name="Servidor MCP: notas")).to_contain_text(
            "conectado · 4 herramientas"
        )
        await expect(page.locator("#said")).to_have_text("Añadido: notas.")
        await look(page, "added")
        again = page.get_by_role("button", name="Reconectar notas")
        await again.click()
        await expect(page.locator("#said")).to_have_text("notas: conectado.")
        await expect(again).to_be_focused()
        await page.get_by_role("button", name="Quitar notas").click()
        await page.get_by_role("button", name="¿Quitar?").click()
        await expect(page.locator("#said")).to_have_text("notas se ha quitado.")
        await expect(page.get_by_role("heading", name="Servidor MCP: notas")).to_have_count(0)


async def test_what_cannot_be_added_says_why(browser: Browser, other: str):
    async with visiting(browser) as page:
        text = json.dumps({"servers": {"local": {"command": "npx"}, HOSTILE: {"url": "http://10.0.0.1/"}}})
        found = await pasted(page, text)
        await expect(found).to_contain_text("No se puede añadir tal cual.")
        await expect(found).to_contain_text("MCP_ADD_COMMANDS=true")
        await expect(found.get_by_role("heading", name=HOSTILE)).to_be_visible()
        await expect(found.get_by_role("button")).to_have_count(0)
        await look(page, "refused")
        await expect(await pasted(page, "{nope")).to_contain_text("line 1")
        await page.get_by_label("Configuración de cualquier editor").fill("{}")
        await expect(found).to_be_hidden()  # it was of another text
        assert await page.evaluate("window.hacked") is None


async def test_hostile_names_stay_text(browser: Browser, other: str):
    async with visiting(browser) as page:
        found = await pasted(page, config(other, HOSTILE))
        await found.get_by_role("button", name="Añadir").click()
        await expect(page.get_by_role("heading", name=f"Servidor MCP: {HOSTILE}")).to_be_visible()
        await page.get_by_role("button", name=f"Reconectar {HOSTILE}").click()
        await expect(page.locator("#said")).to_have_text(f"{HOSTILE}: conectado.")
        assert await page.locator("img").count() == 0
        assert await page.evaluate("window.hacked") is None


async def test_it_works_by_keyboard_alone(browser: Browser, other: str):
    async with visiting(browser) as page:
        press = page.keyboard.press
        await page.locator("#adding > summary").focus()
        await press("Enter")
        await press("Tab")
        await expect(page.get_by_label("Configuración de cualquier editor")).to_be_focused()
        await page.keyboard.insert_text(config(other, "notas"))
        await press("Tab")
        await expect(page.get_by_label("Conectar y ver sus herramientas")).to_be_focused()
        await press("Tab")
        await press("Enter")
        await expect(page.locator("#checked")).to_be_focused()
        await press("Tab")
        await press("Enter")
        await expect(page.locator("#said")).to_have_text("Añadido: notas.")
        await expect(page.locator("#checked")).to_be_focused()
        await page.get_by_role("button", name="Reconectar notas").focus()
        await press("Enter")
        await expect(page.locator("#said")).to_have_text("notas: conectado.")
        await expect(page.get_by_role("button", name="Reconectar notas")).to_be_focused()


async def test_the_recent_calls(browser: Browser):
    async with visiting(browser) as page:
        tool = page.locator("details.tool", has=page.get_by_role("heading", name="uppercase"))
        await tool.locator("> summary").click()
        await tool.locator("textarea").fill("secreto")
        await tool.get_by_role("button", name="Llamar").click()
        await expect(tool.locator(".answer > pre")).to_have_text("SECRETO")
        await page.get_by_text("Llamadas recientes").click()
        await expect(page.locator("#said")).to_have_text("1 llamada.")
        row = page.locator("#calls tbody tr")
        await expect(row).to_contain_text("uppercase")
        await expect(row).to_contain_text("bien")
        await expect(page.locator("#calls")).not_to_contain_text("secreto")
        await look(page, "calls")
        await page.get_by_role("button", name="Actualizar").press("Enter")
        await expect(page.get_by_role("button", name="Actualizar")).to_be_focused()


async def test_a_user_sees_no_way_to_change_servers(browser: Browser):
    async with visiting(browser, open_it=False, AUTH_MODE="keys", API_KEYS="user-key,operator:boss-key") as page:
        await expect(page.get_by_label("Clave de acceso")).to_be_focused()
        await look(page, "key")
        await page.keyboard.type("user-key")
        await page.keyboard.press("Enter")
        await expect(page.locator(".tool").first).to_be_visible()
        await expect(page.get_by_text("Añadir un servidor")).to_be_hidden()


async def test_in_english(browser: Browser, other: str):
    async with visiting(browser, locale="en-GB") as page:
        await page.get_by_text("Add a server").click()
        await page.get_by_label("Any editor's config").fill(config(other, "notes"))
        await page.get_by_role("button", name="Check").click()
        await expect(page.locator("#checked")).to_contain_text("1 server is ready to be added.")
        await is_accessible(page)
