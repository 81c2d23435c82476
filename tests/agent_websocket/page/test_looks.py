"""How the page looks in its main states, in both themes: readable contrast, nothing cut off, and a picture to look at.

The pictures go to test-artifacts/page/.
"""

from __future__ import annotations

import pytest
from agent_core import events
from playwright.async_api import Browser, expect

from tests.agent_websocket.page.fake_agent import (
    PAGE,
    FakeAgent,
    offline_response,
    opening,
    response,
    sum_run,
    tool,
)
from tests.agent_websocket.page.visitor import Visitor, visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")
PICTURES = PAGE.parent / "test-artifacts" / "page"

# Every visible text with its color against the first opaque ground behind it (WCAG 2.2, relative luminance).
WEAK_TEXTS = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return parse(getComputedStyle(document.documentElement).backgroundColor);
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
    if (node.closest("script, option, :disabled")) continue;
    const pair = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return weak;
}"""

ANSWER = """<p>El total es <strong>200</strong>, que en mayúsculas se escribe <strong>DOSCIENTOS</strong>. Así:</p>
<ol><li>Multiplicar <code>25 × 8</code></li><li>Pasar el resultado a texto</li></ol>
<pre><code class="language-python">def total(precio: int, unidades: int) -&gt; int:
    return precio * unidades</code></pre>
<table><thead><tr>
<th>Paso</th><th style="text-align:right">Valor</th></tr></thead>
<tbody><tr><td>Multiplicar</td><td style="text-align:right">200</td></tr>
<tr><td>Mayúsculas</td><td style="text-align:right">DOSCIENTOS</td></tr></tbody></table>"""


async def look(visitor: Visitor, name: str) -> None:
    """Takes the picture, with movement at its end, and measures what a picture does not prove."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    await visitor.page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
    weak: list[str] = await visitor.page.evaluate(WEAK_TEXTS)
    assert weak == []
    await visitor.sees_no_sideways_scroll()


async def run_in_the_middle(visitor: Visitor, agent: FakeAgent) -> None:
    await visitor.ask("suma 10 y 5")
    await agent.emit(*sum_run("r1"))
    await visitor.ask("Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas")
    await agent.emit(*opening("r2", "gpt-4o"), *tool("r2", "multiply", {"a": 25, "b": 8}, "200"))
    await agent.emit(
        events.StepBegun(run_id="r2", node="llm", message="Consultando", model="gpt-4o"),
        events.ToolCall(run_id="r2", id="c2", tool="uppercase", args={"text": "doscientos"}),
    )
    await expect(visitor.cards()).to_have_count(2)


async def finished_run(visitor: Visitor, agent: FakeAgent) -> None:
    await visitor.ask("Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas")
    await agent.emit(*opening("r1"), *tool("r1", "multiply", {"a": 25, "b": 8}, "200"))
    await agent.emit(response("r1", "El total es **200**", ANSWER), events.Complete(run_id="r1", steps=7))
    await expect(visitor.answer().locator("table")).to_be_visible()


async def failed_run(visitor: Visitor, agent: FakeAgent) -> None:
    await visitor.ask("usa gemini, multiplica 7 por 8")
    await agent.emit(*opening("r1", "gemini-pro"), *tool("r1", "multiply", {"a": 7, "b": 8}, "56"))
    fields = {"fallback_from": "gemini-pro"}
    await agent.emit(offline_response("r1", "El resultado es 56.", **fields), events.Complete(run_id="r1", steps=5))
    await visitor.ask("divide 1 entre 0")
    failing = {"is_error": True, "duration_ms": 1240.0}
    await agent.emit(
        *opening("r2"), *tool("r2", "divide", {"a": 1, "b": 0}, "No se puede dividir entre cero.", **failing)
    )
    message = "El servicio de modelos no responde. Inténtalo de nuevo en unos segundos."
    await agent.emit(events.Error(run_id="r2", message=message, code="gateway_unavailable"))
    await expect(visitor.last.locator(".note")).to_be_visible()


async def nothing_yet(visitor: Visitor, agent: FakeAgent) -> None:
    await expect(visitor.page.get_by_role("heading", level=2)).to_be_visible()


SCENES = {"empty": nothing_yet, "running": run_in_the_middle, "finished": finished_run, "error": failed_run}


@pytest.mark.parametrize("scene", SCENES)
async def test_looks(browser: Browser, agent: FakeAgent, scene: str):
    async with visiting(browser) as visitor:
        await visitor.open(agent.url)
        await SCENES[scene](visitor, agent)
        await look(visitor, f"{scene}-light")
        await visitor.page.emulate_media(color_scheme="dark")
        await look(visitor, f"{scene}-dark")
        await visitor.page.emulate_media(color_scheme="light")
        await visitor.page.set_viewport_size({"width": 320, "height": 640})
        await look(visitor, f"{scene}-phone")


async def test_looks_of_the_dialog(visitor: Visitor):
    await visitor.page.goto(PAGE.as_uri())
    await expect(visitor.dialog).to_be_visible()
    await look(visitor, "disk-light")
    await visitor.page.set_viewport_size({"width": 320, "height": 640})
    await look(visitor, "disk-phone")
