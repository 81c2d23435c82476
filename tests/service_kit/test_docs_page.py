"""The page `/docs` works offline and under a strict content policy, in a real browser."""

from __future__ import annotations

import base64
import hashlib
import re

import httpx
from service_kit.testing import running

from tests.browser import chromium
from tests.service_kit.harness import small_service, staged


async def test_nothing_comes_from_another_host():
    async with staged() as stage:
        page = (await stage.http.get("/docs")).text
        assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)
        for address in re.findall(r"""(?:src|href)=["']([^"']+)["']""", page):
            assert (await stage.http.get(address)).status_code == 200, address


async def test_its_script_is_let_through_by_its_hash_and_no_other():
    async with staged() as stage:
        answer = await stage.http.get("/docs")
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = answer.headers.get_list("content-security-policy")
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == f"script-src 'self' 'sha256-{digest}'"
    assert "default-src 'none'" in policy


async def test_a_browser_shows_the_operations_and_breaks_no_policy():
    async with running(small_service({"ROOT_PATH": "/api/small"})) as url, chromium() as browser:
        page = await browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("requestfailed", lambda request: said.append(f"failed: {request.url}"))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{url}/api/small/docs")
        await page.locator("#operations-health-get_liveness").wait_for()
        await page.locator("text=/items").first.wait_for()
        # Its button asks the service: that passes the policy, the origin check and the prefix.
        operation = page.locator("#operations-health-get_liveness")
        await operation.click()
        await operation.get_by_role("button", name="Try it out").click()
        await operation.get_by_role("button", name="Execute").click()
        await operation.locator(".live-responses-table", has_text="alive").wait_for()
    assert not said
    assert {httpx.URL(address).host for address in asked if not address.startswith("data:")} == {"127.0.0.1"}
