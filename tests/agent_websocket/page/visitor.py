"""Somebody who uses the page: what they see and do, so that tests read as what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

# Recorded from the very start of each document, before the page's own script.
WATCH_POLICY = """
window.violations = [];
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
  window.violations.push(`${violatedDirective} ${blockedURI} ${sample}`));
"""


class Visitor:
    """A page and its parts by the role and name that a person or a screen reader finds them by (in Spanish)."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        self.message = page.get_by_role("textbox", name="Tu mensaje")
        self.send_button = page.get_by_role("button", name="Enviar")
        self.stop_button = page.get_by_role("button", name="Detener")
        self.models = page.get_by_role("combobox", name="Modelo")
        self.turns = page.locator("#turns > article")
        self.last = self.turns.last
        self.status = page.get_by_role("status")
        self.link = page.locator("#link")
        self.dialog = page.get_by_role("dialog")

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium itself reports connections that fail; tests cause that on purpose.
        is_network = "WebSocket connection" in message.text or "net::ERR_CONNECTION" in message.text
        if message.type == "error" and not is_network:
            self.complaints.append(message.text)

    async def open(self, url: str) -> None:
        await self.page.goto(url)
        await self.is_connected()

    async def is_connected(self) -> None:
        await expect(self.link).to_have_attribute("data-link", "open")

    async def ask(self, question: str) -> None:
        await self.message.fill(question)
        await self.message.press("Enter")

    def answer(self, turn: Locator | None = None) -> Locator:
        return (turn or self.last).locator(".answer")

    def cards(self, turn: Locator | None = None) -> Locator:
        return (turn or self.last).locator(".card")

    async def sees_no_sideways_scroll(self) -> None:
        overflows: list[int] = await self.page.evaluate(
            "[document.documentElement, document.getElementById('scroll')].map((e) => e.scrollWidth - e.clientWidth)"
        )
        assert overflows == [0, 0]

    async def complain(self) -> list[str]:
        """Errors of the script and what the content security policy had to stop; [] when all is well."""
        return self.complaints + await self.page.evaluate("window.violations ?? []")


@asynccontextmanager
async def visiting(browser: Browser, attacked: bool = False, **options: Any) -> AsyncIterator[Visitor]:
    """A fresh profile; at the end nothing may have gone wrong in it, or, when `attacked`, something was stopped."""
    settings: dict[str, Any] = {"locale": "es-ES", "viewport": {"width": 1100, "height": 800}} | options
    context = await browser.new_context(**settings)
    context.set_default_timeout(5000)
    await context.add_init_script(WATCH_POLICY)
    visitor = Visitor(await context.new_page())
    yield visitor
    complaints = await visitor.complain()
    await context.close()
    assert bool(complaints) == attacked, complaints
