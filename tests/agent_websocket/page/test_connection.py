"""The page and its connection: drops, replay, restarts, silence, reloads; no event lost, none shown twice."""

import pytest
from agent_core import events
from agent_websocket import protocol
from playwright.async_api import Browser, expect

from tests.agent_websocket.page.fake_agent import (
    FakeAgent,
    opening,
    response,
    running_agent,
    sum_run,
    tokens,
    tool,
)
from tests.agent_websocket.page.visitor import Visitor, visiting
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_was_missed_is_replayed_once_and_in_order(connected: Visitor, agent: FakeAgent):
    run = sum_run("r1")
    await connected.ask("suma 10 y 5")
    await agent.received("message")
    await agent.emit(*run[:4])
    await expect(connected.cards().locator("header")).to_contain_text("en curso")
    await agent.drop()
    await agent.emit(*run[4:7], send=False)

    assert await agent.received("resume") == {"type": "resume", "after": 4, "epoch": agent.epoch}
    await expect(connected.answer()).to_have_text("La suma")
    await agent.emit(*run[7:])
    await expect(connected.answer()).to_have_text("La suma de 10 y 5 es 15.")
    await expect(connected.last.locator(".trace li")).to_have_count(4)
    await expect(connected.cards()).to_have_count(1)
    assert len(set(agent.connection_ids)) == 1


async def test_an_event_that_comes_twice_or_early_changes_nothing(connected: Visitor, agent: FakeAgent):
    await connected.ask("hola")
    await agent.received("message")
    await agent.emit(*opening("r1"), *tokens("r1", ["uno "]))
    await expect(connected.answer()).to_have_text("uno")
    await agent.send_raw(agent.log[-1].to_json().decode())
    await agent.emit(*tokens("r1", ["y "]))
    await expect(connected.answer()).to_have_text("uno y")
    assert not agent.has_unread
    missed, early = tokens("r1", ["dos ", "tres "])
    await agent.emit(missed, send=False)
    await agent.emit(early)
    # The gap is noticed, asked for, and filled in order.
    assert await agent.received("resume") == {"type": "resume", "after": 5, "epoch": agent.epoch}
    await expect(connected.answer()).to_have_text("uno y dos tres")


async def test_a_restarted_service_says_what_it_still_knows(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.received("message")
    await agent.emit(*opening("r1"), *tokens("r1", ["viejo"]))
    await expect(connected.answer()).to_have_text("viejo")
    old_epoch = agent.epoch
    await agent.drop()
    agent.restart()
    await agent.emit(*opening("r1"), *tokens("r1", ["nuevo"]), send=False)
    assert (await agent.received("resume"))["epoch"] == old_epoch
    await expect(connected.answer()).to_have_text("nuevo")
    await expect(connected.turns).to_have_count(1)
    await expect(connected.stop_button).to_be_visible()
    await agent.emit(response("r1", "Fin."), events.Complete(run_id="r1", steps=3))
    await expect(connected.answer()).to_have_text("Fin.")


async def test_a_run_that_a_restart_lost_is_said_and_can_be_asked_again(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.received("message")
    await agent.emit(*opening("r1"))
    await expect(connected.last.locator(".trace li")).to_have_count(2)
    await agent.drop()
    agent.restart()
    await agent.received("resume")
    await expect(connected.last.locator(".note")).to_contain_text("Se perdió el final")
    await expect(connected.stop_button).to_be_hidden()
    await connected.last.get_by_role("button", name="Preguntar otra vez").click()
    assert (await agent.received("message"))["content"] == "suma 10 y 5"
    await agent.emit(*sum_run("r2"))
    await expect(connected.answer().locator("strong")).to_have_text("15")


async def test_a_message_that_was_never_taken_is_said(connected: Visitor, agent: FakeAgent):
    await connected.ask("primera")
    await agent.received("message")
    await agent.emit(*sum_run("r1"))
    await connected.ask("segunda")
    await agent.received("message")
    await agent.drop()
    await agent.received("resume")
    await expect(connected.last.locator(".note")).to_contain_text("no llegó al agente")


async def test_what_is_written_without_a_connection_is_sent_with_it(visitor: Visitor, agent: FakeAgent):
    agent.greets = False
    await visitor.page.goto(agent.url)
    await visitor.ask("suma 10 y 5")
    await expect(visitor.last.locator(".wait")).to_contain_text("Se enviará al conectar")
    assert not agent.has_unread
    agent.greets = True
    await agent.drop()
    assert (await agent.received("message"))["content"] == "suma 10 y 5"


async def test_a_silent_connection_is_replaced(visitor: Visitor, agent: FakeAgent):
    await visitor.page.clock.install()
    await visitor.open(agent.url)
    agent.answers_pings = False
    await visitor.page.clock.fast_forward(15_500)
    await eventually(lambda: agent.pings == 1)
    await expect(visitor.link).to_have_attribute("data-link", "open")
    await visitor.page.clock.fast_forward(10_500)
    await expect(visitor.link).to_have_attribute("data-link", "waiting")
    agent.answers_pings = True
    await visitor.page.clock.fast_forward(1000)
    await visitor.is_connected()
    assert len(agent.connection_ids) == 2


async def test_a_connection_that_answers_is_kept(visitor: Visitor, agent: FakeAgent):
    pongs: list[str] = []

    def read(frame: str | bytes) -> None:
        if "pong" in str(frame):
            pongs.append(str(frame))

    visitor.page.on("websocket", lambda socket: socket.on("framereceived", read))
    await visitor.page.clock.install()
    await visitor.open(agent.url)
    for number in range(4):
        await visitor.page.clock.fast_forward(15_500)
        await eventually(lambda: len(pongs) == number + 1)  # noqa: B023 - it is called within this turn
    await expect(visitor.link).to_have_attribute("data-link", "open")
    assert len(agent.connection_ids) == 1


async def test_retries_grow_further_apart(visitor: Visitor):
    async with running_agent() as agent:
        await visitor.page.clock.install()
        await visitor.open(agent.url)
    attempts: list[str] = []
    visitor.page.on("websocket", lambda socket: attempts.append(socket.url))
    for _ in range(60):
        await visitor.page.clock.run_for(1000)
        await expect(visitor.link).to_have_attribute("data-link", "waiting")  # the attempt has failed
    # About 0.5, 1, 2, 4, 8, 16 and 30 seconds apart, each at least half of that.
    assert 5 <= len(attempts) <= 11


async def test_the_network_coming_back_is_not_waited_for(visitor: Visitor):
    async with running_agent() as agent:
        await visitor.page.clock.install()
        await visitor.open(agent.url)
        port = agent.port
    await expect(visitor.link).to_have_attribute("data-link", "waiting")
    async with running_agent(port=port):
        await visitor.page.evaluate("dispatchEvent(new Event('online'))")
        await visitor.is_connected()


async def test_a_reload_in_the_middle_keeps_the_run_and_its_stop_button(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.received("message")
    run = sum_run("r1")
    await agent.emit(*run[:6])
    await expect(connected.cards().locator("pre.result")).to_have_text("15")
    await connected.page.reload()
    await expect(connected.stop_button).to_be_visible()
    await expect(connected.last.locator(".bubble")).to_have_text("suma 10 y 5")
    assert (await agent.received("resume"))["after"] == 6
    await agent.emit(*run[6:])
    await expect(connected.answer()).to_have_text("La suma de 10 y 5 es 15.")
    await expect(connected.cards()).to_have_count(1)
    await expect(connected.turns).to_have_count(1)


async def test_a_run_that_ended_during_a_reload_is_shown(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.received("message")
    run = sum_run("r1")
    await agent.emit(*run[:6])
    await expect(connected.cards().locator("pre.result")).to_have_text("15")
    await connected.page.goto("about:blank")
    await agent.emit(*run[6:], send=False)
    await connected.open(agent.url)
    await expect(connected.answer()).to_have_text("La suma de 10 y 5 es 15.")
    await expect(connected.stop_button).to_be_hidden()


async def test_a_tab_without_memory_gets_the_whole_run(connected: Visitor, agent: FakeAgent):
    await connected.ask("suma 10 y 5")
    await agent.received("message")
    await agent.emit(*sum_run("r1")[:6])
    # Another window of the same conversation: it knows the id and nothing else.
    saved = f"""JSON.stringify({{ id: "{agent.connection_ids[0]}" }})"""
    other = await connected.page.context.new_page()
    await other.add_init_script(f"sessionStorage.setItem('agent.conversation', {saved})")
    window = Visitor(other)
    await window.open(agent.url)
    await expect(window.cards().locator("pre.result")).to_have_text("15")
    await expect(window.stop_button).to_be_visible()


async def test_stop_pressed_without_a_connection_is_sent_with_it(connected: Visitor, agent: FakeAgent):
    await connected.ask("cuenta")
    await agent.received("message")
    await agent.emit(*opening("r1"))
    await expect(connected.last.locator(".trace li")).to_have_count(2)
    await connected.page.context.set_offline(True)
    await agent.drop()
    await connected.stop_button.click()
    await connected.page.context.set_offline(False)
    await agent.received("resume")
    assert await agent.received("cancel") == {"type": "cancel", "run_id": "r1"}


async def test_a_new_conversation_has_another_id_and_stops_what_ran(connected: Visitor, agent: FakeAgent):
    await connected.ask("cuenta")
    await agent.received("message")
    await agent.emit(*opening("r1"))
    await expect(connected.stop_button).to_be_visible()
    await connected.page.get_by_role("button", name="Conversación nueva").click()
    assert await agent.received("cancel") == {"type": "cancel", "run_id": "r1"}
    await expect(connected.turns).to_have_count(0)
    await expect(connected.page.locator("#welcome")).to_be_visible()
    await expect(connected.message).to_be_focused()
    await connected.is_connected()
    assert len(set(agent.connection_ids)) == 2


async def test_a_conversation_that_belongs_to_another_key_moves(visitor: Visitor, agent: FakeAgent):
    agent.refusals = [protocol.Refusal(code="connection_forbidden", message="Esta conexión pertenece a otro usuario.")]
    await visitor.open(agent.url)
    assert len(set(agent.connection_ids)) == 2
    await expect(visitor.dialog).to_be_hidden()


async def test_a_service_that_is_full_says_so_and_is_tried_again(visitor: Visitor, agent: FakeAgent):
    agent.refusals = [protocol.Refusal(code="too_many_connections", message="Hay demasiadas conexiones.")]
    await visitor.page.goto(agent.url)
    await expect(visitor.status).to_have_text("Hay demasiadas conexiones.")
    await visitor.is_connected()
    await expect(visitor.dialog).to_be_hidden()


@pytest.mark.parametrize("path", ["", "chat"])
async def test_the_page_works_under_a_path_prefix(browser: Browser, path: str):
    async with running_agent(prefix="/api/ws") as agent, visiting(browser) as visitor:
        await visitor.open(agent.url + path)
        assert agent.handshakes[0].path.startswith("/api/ws/ws/")
        await visitor.ask("suma")
        await agent.received("message")
        await agent.emit(*opening("r1"), *tool("r1", "add", {"a": 1, "b": 1}, "2"))
        await expect(visitor.cards().locator("pre.result")).to_have_text("2")
