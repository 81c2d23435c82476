"""People: both languages, both themes, the keyboard, screen readers, narrow screens, calm ones, any script."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.agent_websocket.page.fake_agent import PAGE, FakeAgent, opening, sum_run, tokens, tool
from tests.agent_websocket.page.visitor import Visitor, visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Controls that a screen reader would announce by their kind alone.
NAMELESS = """() => [...document.querySelectorAll("button, a, input, textarea, select, [role=region]")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.getAttribute("aria-label") || node.labels?.[0]?.textContent || node.textContent).trim())
  .map((node) => node.outerHTML)"""


def strings() -> dict[str, dict[str, str]]:
    block = PAGE.read_text("utf-8").partition('id="strings">')[2].partition("</script>")[0]
    return json.loads(block)


async def test_both_languages_say_everything():
    spanish, english = strings()["es"], strings()["en"]
    assert list(spanish) == list(english)
    assert all(text.strip() for text in [*spanish.values(), *english.values()])
    for key, text in spanish.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key


async def test_every_text_is_used_and_every_used_one_exists():
    page = PAGE.read_text("utf-8")
    markup, _, script = page.partition('<script type="module">')
    asked = set(re.findall(r'data-(?:text|label|placeholder)="(\w+)"', markup)) | set(
        re.findall(r'\bt\("(\w+)"', script)
    )
    known = set(strings()["es"])
    assert asked <= known
    assert {key for key in known - asked if f'"{key}"' not in script} == set()


@pytest.mark.parametrize(
    ("locale", "language", "welcome"),
    [("es-MX", "es", "Pregunta, y mira"), ("en-GB", "en", "Ask, and watch"), ("fr-FR", "es", "Pregunta, y mira")],
)
async def test_it_speaks_the_browsers_language_or_spanish(
    browser: Browser, agent: FakeAgent, locale: str, language: str, welcome: str
):
    async with visiting(browser, locale=locale) as visitor:
        await visitor.open(agent.url)
        await expect(visitor.page.get_by_role("heading", level=2)).to_contain_text(welcome)
        await expect(visitor.page.locator("html")).to_have_attribute("lang", language)


async def test_the_language_can_be_switched_in_the_middle_of_a_run(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.emit(*sum_run("r1")[:6])
    await expect(connected.last.locator(".trace li").first).to_have_text("Leer la petición")
    await connected.page.get_by_role("button", name="Switch to English").click()
    await expect(connected.last.locator(".trace li").first).to_have_text("Read the request")
    await expect(connected.page.get_by_role("button", name="Stop")).to_be_visible()
    await expect(connected.page.get_by_role("textbox", name="Your message")).to_be_visible()
    await agent.emit(*sum_run("r1")[6:])
    await expect(connected.last.locator(".facts")).to_contain_text("Cost$0.00141")
    await connected.page.reload()
    await expect(connected.page.locator("html")).to_have_attribute("lang", "en")


async def test_the_theme_is_the_systems_until_one_is_chosen(browser: Browser, agent: FakeAgent):
    async with visiting(browser, color_scheme="dark") as visitor:
        await visitor.open(agent.url)
        root, toggle = visitor.page.locator("html"), visitor.page.get_by_role("button", name="Cambiar entre claro")
        await expect(root).to_have_attribute("data-theme", "dark")
        dark = await root.evaluate("(node) => getComputedStyle(node).backgroundColor")
        await visitor.page.emulate_media(color_scheme="light")
        await expect(root).to_have_attribute("data-theme", "light")
        await visitor.page.emulate_media(color_scheme="dark")
        await toggle.click()
        await expect(root).to_have_attribute("data-theme", "light")
        assert await root.evaluate("(node) => getComputedStyle(node).backgroundColor") != dark
        await visitor.page.reload()
        await expect(root).to_have_attribute("data-theme", "light")


async def test_the_keyboard_is_enough(connected: Visitor, agent: FakeAgent):
    page = connected.page
    await expect(connected.message).to_be_focused()
    await page.keyboard.type("uno")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("dos")
    assert not agent.has_unread
    await page.keyboard.press("Enter")
    assert (await agent.received("message"))["content"] == "uno\ndos"
    await expect(connected.message).to_have_value("")
    await expect(connected.message).to_be_focused()
    await agent.emit(*opening("r1"))
    await expect(connected.stop_button).to_be_visible()
    await page.keyboard.press("Escape")
    assert await agent.received("cancel") == {"type": "cancel", "run_id": "r1"}


async def test_blank_messages_are_not_sent(connected: Visitor, agent: FakeAgent):
    await connected.ask("  \n ")
    await expect(connected.turns).to_have_count(0)
    assert not agent.has_unread


async def test_the_first_tab_stop_skips_to_the_message(visitor: Visitor, agent: FakeAgent):
    await visitor.open(agent.url)
    first = "document.querySelector('a, button, input, textarea, select').className"
    assert await visitor.page.evaluate(first) == "skip"
    skip = visitor.page.get_by_role("link", name="Ir al mensaje")
    await expect(skip).not_to_be_in_viewport()
    await skip.focus()
    await expect(skip).to_be_in_viewport()
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.message).to_be_focused()


async def test_everything_has_a_name(connected: Visitor, agent: FakeAgent):
    assert await connected.page.evaluate(NAMELESS) == []
    await connected.ask("suma 10 y 5")
    await agent.emit(*sum_run("r1"))
    await connected.ask("otra")
    await agent.emit(*opening("r2"), *tool("r2", "list", {}, "x" * 5000))
    await expect(connected.cards().get_by_role("button", name="Mostrar más")).to_be_visible()
    assert await connected.page.evaluate(NAMELESS) == []
    await connected.link.click()
    assert await connected.page.evaluate(NAMELESS) == []


async def test_tokens_are_not_read_aloud_one_by_one(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.emit(*opening("r1"), *tokens("r1", ["La ", "suma"]))
    await expect(connected.status).to_have_text("Pensando")
    await expect(connected.answer()).to_have_text("La suma")
    live = "[aria-live], [role=log], [role=status], [role=alert], output"
    assert await connected.answer().evaluate(f"(node) => node.closest('{live}')") is None
    assert await connected.page.locator(f"#turns :is({live})").count() == 0
    await agent.emit(*sum_run("r1")[-2:])
    await expect(connected.status).to_have_text("Respuesta lista")


async def test_headings_lead_through_the_conversation(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.emit(*sum_run("r1"))
    await expect(connected.answer()).to_contain_text("15")
    headings = connected.page.get_by_role("heading")
    await expect(headings).to_have_text(["Agent Suite", "Tu pregunta", "Respuesta", "Argumentos", "Resultado"])


async def test_nothing_is_wider_than_a_narrow_screen(browser: Browser, agent: FakeAgent):
    async with visiting(browser, viewport={"width": 320, "height": 568}) as visitor:
        await visitor.open(agent.url)
        await visitor.sees_no_sideways_scroll()
        await visitor.ask("x" * 400)
        await agent.emit(
            *opening("r1", "proveedor/" + "m" * 80),
            *tool("r1", "herramienta_" + "t" * 80, {"texto": "a" * 300}, "b" * 300),
            *tokens("r1", ["c" * 300]),
        )
        await expect(visitor.answer()).to_contain_text("ccc")
        await visitor.sees_no_sideways_scroll()
        await expect(visitor.stop_button).to_be_in_viewport()
        await expect(visitor.message).to_be_in_viewport()


async def test_nothing_moves_for_who_asked_for_calm(browser: Browser, agent: FakeAgent):
    async with visiting(browser, reduced_motion="reduce") as visitor:
        await visitor.open(agent.url)
        await visitor.ask("suma")
        await agent.emit(*opening("r1"))
        await expect(visitor.last.locator(".wait")).to_be_visible()
        endless = "document.getAnimations().filter((one) => one.effect.getTiming().iterations === Infinity).length"
        assert await visitor.page.evaluate(endless) == 0


async def test_each_text_runs_in_its_own_direction(connected: Visitor, agent: FakeAgent):
    await connected.ask("مرحبا 😀 ١٠")
    await agent.emit(*opening("r1"), *tool("r1", "uppercase", {"text": "שלום"}, "שלום 👩‍👩‍👧"))
    result = connected.cards().locator("pre.result")
    await expect(result).to_have_text("שלום 👩‍👩‍👧")
    for text in (result, connected.last.locator(".bubble")):
        assert await text.evaluate("(node) => getComputedStyle(node).direction") == "rtl"


async def test_the_page_is_one_file_without_a_build():
    page = PAGE.read_text("utf-8")
    assert not re.search(r"""(?:src|href)=["'](?!#|data:|http://localhost)""", page)
    assert "@import" not in page
    assert Path(PAGE).stat().st_size < 150_000
