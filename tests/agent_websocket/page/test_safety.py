"""What models and tools say is untrusted: it is shown, and never becomes part of the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from agent_core import events
from playwright.async_api import Browser, expect

from tests.agent_websocket.page.fake_agent import PAGE, FakeAgent, opening, response, tokens, tool
from tests.agent_websocket.page.visitor import Visitor, visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCRIPT = PAGE.parent / "scripts" / "page_csp.py"
ATTACK = '<img src="x" onerror="window.hacked = 1"><script>window.hacked = 1</script>'


async def answered_with(visitor: Visitor, agent: FakeAgent, html: str) -> str:
    """The answer's HTML as the page has it, for an answer that came with `html`."""
    run_id = f"run {agent.last_seq}"
    await visitor.ask("hola")
    await agent.emit(*opening(run_id), response(run_id, "hola", html), events.Complete(run_id=run_id, steps=3))
    await expect(visitor.turns).to_have_count(agent.last_seq // 5)
    await expect(visitor.last.locator(".facts")).to_be_visible()
    return await visitor.answer().locator(".prose").inner_html()


async def test_text_from_everywhere_stays_text(connected: Visitor, agent: FakeAgent):
    await connected.ask(ATTACK)
    await agent.emit(
        *opening("r1", ATTACK),
        *tokens("r1", [ATTACK]),
        *tool("r1", ATTACK, {"text": ATTACK}, ATTACK),
        events.Error(run_id="r1", message=ATTACK, code=ATTACK),
    )
    await expect(connected.last.locator(".note")).to_contain_text(ATTACK)
    await expect(connected.cards().locator("pre.result")).to_have_text(ATTACK)
    assert await connected.page.locator("img").count() == 0
    assert await connected.page.evaluate("window.hacked") is None


# What comes as the answer's HTML, and what of it the page shows.
SANITIZED = {
    "<p>a<script>window.hacked = 1</script></p>": '<p dir="auto">a</p>',
    "<style>* { display: none }</style><p>a</p>": '<p dir="auto">a</p>',
    '<a href="javascript:window.hacked=1">a</a>': "<a>a</a>",
    '<a href=" java\nscript:window.hacked=1">a</a>': "<a>a</a>",
    '<a href="//example.org">a</a>': "<a>a</a>",
    '<iframe srcdoc="x"></iframe><object data="x"></object><b>a</b>': "<b>a</b>",
    "<svg><a><text>x</text></a></svg><math><mi>x</mi></math>a": "a",
    "<form action=/><input value=x><button>a</button></form>": "a",
    '<p id="input" class="unseen" data-text="skip">a</p>': '<p dir="auto">a</p>',
    '<p style="position:fixed" onclick="window.hacked = 1">a</p>': '<p dir="auto">a</p>',
    '<img alt="una foto" src="x" onerror="window.hacked = 1">': "una foto",
    "<template><b>x</b></template>a": "a",
}


async def test_only_plain_formatting_is_kept(browser: Browser, agent: FakeAgent):
    """Even from a service whose own sanitizer failed; what the policy has to stop on the way is its report."""
    async with visiting(browser, attacked=True) as visitor:
        await visitor.open(agent.url)
        shown = {html: await answered_with(visitor, agent, html) for html in SANITIZED}
        assert shown == SANITIZED
        await visitor.answer(visitor.turns.first).locator("p").click()
        assert await visitor.page.evaluate("window.hacked") is None


async def test_a_link_opens_elsewhere_and_learns_nothing(connected: Visitor, agent: FakeAgent):
    await answered_with(connected, agent, '<a href="https://example.org/x">a</a>')
    link = connected.answer().get_by_role("link")
    await expect(link).to_have_attribute("href", "https://example.org/x")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    await expect(link).to_have_attribute("target", "_blank")


async def test_the_policy_stops_what_is_not_the_pages_own(browser: Browser, agent: FakeAgent):
    async with visiting(browser, attacked=True) as visitor:
        await visitor.open(agent.url)
        await visitor.page.evaluate("""async () => {
          try { document.body.setAttribute("onclick", "window.hacked = 1"); document.body.click(); } catch {}
          try { document.body.innerHTML = "<b>x</b>"; } catch {}
          document.body.append(Object.assign(new Image(), { src: "http://localhost:9/image" }));
          await fetch("http://localhost:9/secret").catch(() => {});
        }""")
        stopped = {violation.split()[0] for violation in await visitor.page.evaluate("window.violations")}
        assert stopped == {"require-trusted-types-for", "img-src", "connect-src"}
        assert await visitor.page.evaluate("window.hacked") is None
        await expect(visitor.message).to_be_visible()


async def test_the_page_asks_no_one_else(browser: Browser, agent: FakeAgent):
    async with visiting(browser) as visitor:
        asked: list[str] = []
        visitor.page.on("request", lambda request: asked.append(request.url))
        await visitor.open(agent.url)
        assert asked == [agent.url]


async def test_the_policy_is_up_to_date():
    assert subprocess.run([sys.executable, SCRIPT, "--check"]).returncode == 0


async def test_a_changed_script_needs_its_policy_written_again(tmp_path: Path):
    copy = tmp_path / "page.html"
    copy.write_text(PAGE.read_text("utf-8").replace("new Chat().start();", "new Chat().start(); //"), "utf-8")
    assert subprocess.run([sys.executable, SCRIPT, "--check", copy], capture_output=True).returncode == 1
    assert subprocess.run([sys.executable, SCRIPT, copy]).returncode == 0
    assert subprocess.run([sys.executable, SCRIPT, "--check", copy]).returncode == 0


async def test_the_policy_allows_no_inline_code_by_name():
    page = PAGE.read_text("utf-8")
    policy = page.partition('Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
