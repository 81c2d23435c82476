"""A run on the page: from the question to the rendered answer, its figures and its marks."""

import json

import pytest
from agent_core import events
from playwright.async_api import expect

from tests.agent_websocket.page.fake_agent import (
    FakeAgent,
    offline_response,
    opening,
    response,
    sum_run,
    tokens,
    tool,
)
from tests.agent_websocket.page.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_empty_page_offers_examples_and_names_the_tools(connected: Visitor, agent: FakeAgent):
    await expect(connected.page.get_by_text("add", exact=True)).to_be_visible()
    await expect(connected.stop_button).to_be_hidden()
    await expect(connected.send_button).to_be_disabled()
    await connected.page.get_by_role("button", name="suma 10 y 5").click()
    assert (await agent.received("message"))["content"] == "suma 10 y 5"
    await expect(connected.turns).to_have_count(1)
    await expect(connected.page.locator("#welcome")).to_be_hidden()


async def test_a_whole_run_is_shown(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    assert await agent.received("message") == {"type": "message", "content": "suma 10 y 5"}
    await agent.emit(*sum_run("r1"))

    await expect(connected.last.locator(".bubble")).to_have_text("suma 10 y 5")
    await expect(connected.answer()).to_have_text("La suma de 10 y 5 es 15.")
    await expect(connected.answer().locator("strong")).to_have_text("15")
    steps = connected.last.locator(".trace li")
    await expect(steps).to_have_text(
        [
            "Leer la petición",
            "Consultar al modelogpt-4o",
            'add3,2 msArgumentos{ "a": 10, "b": 5 }Resultado15',
            "Consultar al modelogpt-4o",
        ]
    )
    await expect(connected.last.locator(".trace summary")).to_have_text("5 pasos · 1 llamada a herramienta")
    await expect(connected.stop_button).to_be_hidden()
    await expect(connected.status).to_have_text("Respuesta lista")


async def test_each_answer_says_what_it_took(connected: Visitor, agent: FakeAgent):
    await connected.ask("hola")
    await agent.emit(*opening("r1"), response("r1", "Hola."), events.Complete(run_id="r1", steps=3))
    facts = connected.last.locator(".facts div")
    await expect(facts).to_have_text(
        ["Modelogpt-4o · openai", "Tokens450", "Coste$0,00141", "Total1,8 s", "Primer token312 ms"]
    )
    await expect(facts.nth(1)).to_have_attribute("title", "412 de entrada, 38 de salida")


async def test_an_unknown_cost_is_not_shown_as_zero(connected: Visitor, agent: FakeAgent):
    await connected.ask("hola")
    answer = response("r1", "Hola.", cost_usd=None, ttft_ms=None)
    await agent.emit(*opening("r1"), answer, events.Complete(run_id="r1", steps=3))
    await expect(connected.last.locator(".facts")).to_contain_text("Costedesconocido")
    await expect(connected.last.locator(".facts")).not_to_contain_text("Primer token")


async def test_tokens_are_shown_as_they_stream(connected: Visitor, agent: FakeAgent):
    await connected.ask("cuéntame algo")
    await agent.emit(*opening("r1"), *tokens("r1", ["Había ", "una **vez** "]))
    await expect(connected.answer()).to_have_text("Había una **vez**")
    await agent.emit(*tokens("r1", ["un agente."]))
    await expect(connected.answer()).to_have_text("Había una **vez** un agente.")
    assert await connected.answer().evaluate("(node) => node.firstChild.childNodes.length") == 1
    html = "<p>Había una <strong>vez</strong> un agente.</p>"
    await agent.emit(response("r1", "…", html), events.Complete(run_id="r1", steps=3))
    await expect(connected.answer()).to_have_text("Había una vez un agente.")


async def test_many_tokens_are_drawn_once_a_frame(connected: Visitor, agent: FakeAgent):
    await connected.ask("cuenta")
    await agent.emit(*opening("r1"), *tokens("r1", ["0 "]))
    await expect(connected.answer()).to_have_text("0")
    await connected.page.evaluate("""() => {
      const text = document.querySelector(".answer .said").firstChild;
      window.changes = 0;
      new MutationObserver((records) => window.changes += records.length).observe(text, { characterData: true });
    }""")
    await agent.emit(*tokens("r1", [f"{number} " for number in range(1, 2000)]))
    await expect(connected.answer()).to_contain_text("1999")
    assert await connected.page.evaluate("window.changes") < 1000


async def test_what_a_model_says_before_a_tool_joins_the_trace(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma")
    await agent.emit(*opening("r1"), *tokens("r1", ["Voy a sumar."]))
    await expect(connected.answer()).to_have_text("Voy a sumar.")
    await agent.emit(*tool("r1", "add", {"a": 1, "b": 2}, "3"), *tokens("r1", ["Son 3."]))
    await expect(connected.last.locator(".trace .said")).to_have_text("Voy a sumar.")
    await expect(connected.answer()).to_have_text("Son 3.")


async def test_a_tool_card_shows_its_call_then_its_result(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma")
    call, result = tool("r1", "add", {"a": 10, "b": 5}, "15", duration_ms=1520.0)
    await agent.emit(*opening("r1"), call)
    card = connected.cards()
    await expect(card.locator("header")).to_have_text("adden curso")
    await expect(card.locator("pre.args")).to_have_text('{ "a": 10, "b": 5 }')
    await agent.emit(result)
    await expect(card.locator("header")).to_have_text("add1,5 s")
    await expect(card.locator("pre.result")).to_have_text("15")


async def test_parallel_calls_of_one_tool_keep_their_own_results(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma dos veces")
    first, first_result = tool("r1", "add", {"a": 1, "b": 2}, "3")
    second, second_result = tool("r1", "add", {"a": 10, "b": 20}, "30")
    await agent.emit(*opening("r1"), first, second, second_result, first_result)
    await expect(connected.cards().locator("pre.result")).to_have_text(["3", "30"])


async def test_a_failed_tool_is_marked(connected: Visitor, agent: FakeAgent):
    await connected.ask("divide")
    await agent.emit(*opening("r1"), *tool("r1", "divide", {"b": 0}, "Entre cero no.", is_error=True))
    await expect(connected.cards().locator("header")).to_contain_text("error")
    await expect(connected.cards().locator("pre.result")).to_have_text("Entre cero no.")


async def test_huge_results_are_collapsed(connected: Visitor, agent: FakeAgent):
    huge = json.dumps([{"id": number, "name": "x" * 40} for number in range(20_000)])
    await connected.ask("lista")
    await agent.emit(*opening("r1"), *tool("r1", "list", {}, huge))
    result = connected.cards().locator("pre.result")
    await expect(result).to_be_visible()
    assert len(await result.inner_text()) <= 1201
    more = connected.cards().get_by_role("button", name="Mostrar más")
    await expect(more).to_have_attribute("aria-expanded", "false")
    await more.click()
    assert 40_000 < len(await result.inner_text()) <= 50_001
    await expect(connected.cards().get_by_role("button", name="Copiar")).to_be_visible()
    await connected.cards().get_by_role("button", name="Mostrar menos").click()
    assert len(await result.inner_text()) <= 1201


async def test_a_shortened_text_does_not_end_in_half_an_emoji(connected: Visitor, agent: FakeAgent):
    await connected.ask("emoji")
    await agent.emit(*opening("r1"), *tool("r1", "list", {}, "x" + "😀" * 5000))
    result = connected.cards().locator("pre.result")
    await expect(result).to_be_visible()
    assert await result.evaluate("(node) => node.textContent.isWellFormed() && node.textContent.length === 1200")


async def test_long_questions_are_collapsed_and_sent_whole(connected: Visitor, agent: FakeAgent):
    question = "palabra " * 2000 + "fin"
    await connected.ask(question)
    assert (await agent.received("message"))["content"] == question
    await expect(connected.last.get_by_role("button", name="Mostrar más")).to_be_visible()
    assert len(await connected.last.locator(".bubble").inner_text()) < 1500


async def test_an_error_is_said_and_can_be_tried_again(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 1 y 2")
    await agent.received("message")
    await agent.emit(
        *opening("r1"),
        events.ToolCall(run_id="r1", id="c1", tool="add", args={"a": 1}),
        events.Error(run_id="r1", message="El servicio de modelos no responde.", code="gateway_unavailable"),
    )
    await expect(connected.last.locator(".note")).to_contain_text("El servicio de modelos no responde.")
    await expect(connected.last.locator(".note code")).to_have_text("gateway_unavailable")
    await expect(connected.cards().locator("header")).to_have_text("addsin terminar")
    await expect(connected.status).to_have_text("Error: El servicio de modelos no responde.")
    await expect(connected.stop_button).to_be_hidden()
    await connected.last.get_by_role("button", name="Preguntar otra vez").click()
    assert (await agent.received("message"))["content"] == "suma 1 y 2"


async def test_a_refused_message_says_why(connected: Visitor, agent: FakeAgent):
    await connected.ask("uno")
    await agent.emit(*opening("r1"))
    await connected.ask("dos")
    await agent.emit(events.Error(run_id=None, message="Ya hay 8 mensajes en espera.", code="queue_full"))
    await expect(connected.last.locator(".note")).to_contain_text("Ya hay 8 mensajes en espera.")
    await expect(connected.turns.first.locator(".wait")).to_be_visible()


async def test_the_offline_planner_is_marked(connected: Visitor, agent: FakeAgent):
    await connected.ask("hola")
    await agent.emit(*opening("r1"), offline_response("r1", "Hola."), events.Complete(run_id="r1", steps=3))
    await expect(connected.last.locator(".note")).to_contain_text("no es un modelo de lenguaje")
    await expect(connected.last.locator(".facts")).to_contain_text("Coste$0")


async def test_a_fallback_is_marked(connected: Visitor, agent: FakeAgent):
    await connected.ask("hola")
    answer = response("r1", "Hola.", fallback_from="gemini-pro")
    await agent.emit(*opening("r1"), answer, events.Complete(run_id="r1", steps=3))
    await expect(connected.last.locator(".note")).to_have_text("gemini-pro no estaba disponible: respondió gpt-4o.")


async def test_a_fallback_to_the_planner_says_both(connected: Visitor, agent: FakeAgent):
    await connected.ask("usa gemini, multiplica 7 por 8")
    answer = offline_response("r1", "56", fallback_from="gemini-pro")
    await agent.emit(*opening("r1", "gemini-pro"), answer, events.Complete(run_id="r1", steps=3))
    note = connected.last.locator(".note")
    await expect(note).to_contain_text("gemini-pro no estaba disponible")
    await expect(note).to_contain_text("planificador integrado")


async def test_an_ordinary_answer_has_no_mark(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.emit(*sum_run("r1"))
    await expect(connected.last.locator(".facts")).to_be_visible()
    await expect(connected.last.locator(".note")).to_have_count(0)


async def test_stop_asks_the_agent_and_keeps_what_was_said(connected: Visitor, agent: FakeAgent):
    await connected.ask("cuenta hasta mil")
    await agent.received("message")
    await agent.emit(*opening("r1"), *tokens("r1", ["uno, dos"]))
    await connected.stop_button.click()
    assert await agent.received("cancel") == {"type": "cancel", "run_id": "r1"}
    await expect(connected.last.locator(".wait")).to_contain_text("Deteniendo…")
    await expect(connected.stop_button).to_be_disabled()
    await agent.emit(events.Cancelled(run_id="r1"))
    await expect(connected.last.locator(".note")).to_have_text("Detenido.")
    await expect(connected.answer()).to_have_text("uno, dos")
    await expect(connected.stop_button).to_be_hidden()
    await expect(connected.message).to_be_focused()


async def test_a_message_stopped_before_its_run_began_is_stopped_when_it_does(connected: Visitor, agent: FakeAgent):
    await connected.ask("cuenta hasta mil")
    await agent.received("message")
    await connected.message.press("Escape")
    await agent.emit(*opening("r1"))
    assert await agent.received("cancel") == {"type": "cancel", "run_id": "r1"}


async def test_a_second_message_waits_its_turn_and_can_leave_the_queue(connected: Visitor, agent: FakeAgent):
    await connected.ask("primera")
    await agent.received("message")
    await agent.emit(*opening("r1"))
    await connected.ask("segunda")
    assert (await agent.received("message"))["content"] == "segunda"
    await agent.emit(events.Queued(run_id="r2", position=1))
    await expect(connected.last.locator(".wait")).to_contain_text("En cola · posición 1")
    await connected.last.get_by_role("button", name="Quitar de la cola").click()
    assert await agent.received("cancel") == {"type": "cancel", "run_id": "r2"}
    await agent.emit(events.Cancelled(run_id="r2"), *sum_run("r1")[3:])
    await expect(connected.last.locator(".note")).to_have_text("Detenido.")
    await expect(connected.answer(connected.turns.first).locator("strong")).to_have_text("15")


async def test_the_model_that_was_picked_is_asked_for(connected: Visitor, agent: FakeAgent):
    await expect(connected.models.locator("option")).to_have_text(
        [
            "Modelo predeterminado",
            "bedrock-nova-pro (sin configurar)",
            "gpt-4o",
            "gemini-pro (sin configurar)",
            "offline",
        ]
    )
    await connected.models.select_option("gpt-4o")
    await connected.ask("hola")
    assert await agent.received("message") == {"type": "message", "content": "hola", "model": "gpt-4o"}
    await connected.page.reload()
    await connected.is_connected()
    await expect(connected.models).to_have_value("gpt-4o")


async def test_an_answer_and_a_code_block_can_be_copied(connected: Visitor, agent: FakeAgent):
    await connected.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await connected.ask("código")
    answer = response("r1", "```python\nprint(1)\n```", '<pre><code class="language-python">print(1)\n</code></pre>')
    await agent.emit(*opening("r1"), answer, events.Complete(run_id="r1", steps=3))
    await connected.page.get_by_role("button", name="Copiar el código").click()
    await expect(connected.page.get_by_text("Copiado")).to_be_visible()
    assert await connected.page.evaluate("navigator.clipboard.readText()") == "print(1)\n"
    await connected.page.get_by_role("button", name="Copiar la respuesta").click()
    await expect(connected.page.get_by_text("Copiado")).to_have_count(2)
    assert await connected.page.evaluate("navigator.clipboard.readText()") == "```python\nprint(1)\n```"


async def test_the_view_follows_the_end_only_while_its_reader_is_there(connected: Visitor, agent: FakeAgent):
    await connected.ask("cuenta")
    lines = [f"línea {number}\n" for number in range(200)]
    await agent.emit(*opening("r1"), *tokens("r1", lines))
    await expect(connected.page.get_by_text("línea 199")).to_be_in_viewport()
    scroll = connected.page.locator("#scroll")
    await scroll.evaluate("(node) => node.scrollTop = 0")
    jump = connected.page.get_by_role("button", name="Ir a lo último")
    await expect(jump).to_be_visible()
    await agent.emit(*tokens("r1", lines))
    await expect(connected.answer()).to_contain_text("línea 199\nlínea 0")
    assert await scroll.evaluate("(node) => node.scrollTop") == 0
    await jump.click()
    await expect(jump).to_be_hidden()
    assert await scroll.evaluate("(node) => node.scrollHeight - node.scrollTop - node.clientHeight") < 2
