"""A toolbox of two hundred tools: prompts stay small, and the right tool is there."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from agent_core.agent import Agent, RunRequest, RunResult
from agent_core.compose import open_agent
from agent_core.events import Event
from agent_core.settings import AgentSettings
from agent_core.steps import ToolExecutionStep, ToolOutcome
from agent_core.testing import Answer, ScriptedGateway, call
from mcp_toolbox.app import built_in, create_app
from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.registry.tool import Hints, Tool, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from pydantic import Field
from service_kit.settings import load
from service_kit.testing import running

from tests.mcp_toolbox.search.many_tools import many_tools


@dataclass
class Stage:
    """An agent between a scripted gateway and a real toolbox."""

    agent: Agent
    gateway: ScriptedGateway
    events: list[Event] = field(default_factory=list)

    async def ask(self, text: str, thread: str = "") -> RunResult:
        request = RunRequest(input=text, thread_id=thread or uuid.uuid4().hex, run_id="run_1")
        return await self.agent.run(request, self.events.append)

    def offered(self, visit: int = -1) -> list[str]:
        return [tool["function"]["name"] for tool in self.gateway.requests[visit].get("tools", ())]

    def size(self, visit: int = -1) -> int:
        return len(json.dumps(self.gateway.requests[visit]))


@asynccontextmanager
async def staged(*tools: Tool, toolbox: dict[str, str] | None = None, **variables: str) -> AsyncIterator[Stage]:
    gateway = ScriptedGateway()
    app = create_app(load(ToolboxSettings, toolbox or {}), ToolRegistry([*built_in(), *tools]))
    async with gateway.running() as gateway_url, running(app) as toolbox_url:
        environ = {"LLM_GATEWAY_URL": gateway_url, "MCP_SERVER_URL": toolbox_url, **variables}
        async with open_agent(load(AgentSettings, environ)) as agent:
            yield Stage(agent, gateway)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged(*many_tools()) as made:
        yield made


def outcomes(result: RunResult) -> list[ToolOutcome]:
    """What the tools of a run answered, in order."""
    return [outcome for step in result.steps if isinstance(step, ToolExecutionStep) for outcome in step.tools]


async def test_few_tools_are_all_offered():
    async with staged(*many_tools()[:26]) as stage:
        stage.gateway.then(Answer("hola"))
        await stage.ask("suma 10 y 5")
        assert len(stage.offered()) == 30
        assert "search_tools" not in stage.offered()


async def test_of_many_those_that_fit_the_question_are_offered(stage: Stage):
    for question, tool in {
        "suma 10 y 5": "add",
        "borra el archivo notas.txt": "files__delete_file",
        "please make an invoice": "facturas__crear_factura",
    }.items():
        stage.gateway.then(Answer("vale"))
        await stage.ask(question)
        offered = stage.offered()
        assert offered[0] == "search_tools"
        assert tool in offered
        assert len(offered) <= 9


async def test_the_prompt_stays_small(stage: Stage):
    stage.gateway.then(Answer("vale"))
    await stage.ask("borra el archivo notas.txt")
    async with staged(*many_tools(), TOOL_SEARCH_THRESHOLD="1000") as everything:
        everything.gateway.then(Answer("vale"))
        await everything.ask("borra el archivo notas.txt")
        assert len(everything.offered()) == 205
        assert stage.size() < 5_000
        assert everything.size() > 8 * stage.size()


async def test_what_the_model_searches_for_can_be_called_next(stage: Stage):
    stage.gateway.then(
        Answer(calls=(call("search_tools", {"query": "translate an encyclopedia article", "limit": 3}),)),
        Answer(calls=(call("kb__translate_article", {"text": "x"}),)),
        Answer("hecho"),
    )
    result = await stage.ask("xyzzy")
    assert stage.offered(0) == ["search_tools"]
    assert "kb__translate_article" in stage.offered(1)
    assert len(stage.offered(1)) == 4
    assert "kb__translate_article" in stage.offered(2)
    called = outcomes(result)[1]
    assert (called.result, called.is_error) == ("kb__translate_article did it", False)


async def test_any_listed_tool_may_be_called_by_its_name(stage: Stage):
    stage.gateway.then(Answer(calls=(call("ci__copy_build", {"text": "x"}),)), Answer("hecho"))
    result = await stage.ask("suma 10 y 5")
    assert "ci__copy_build" not in stage.offered(0)
    assert outcomes(result)[0].result == "ci__copy_build did it"
    assert "ci__copy_build" in stage.offered(1)


async def test_a_name_that_is_none_is_answered_with_the_nearest(stage: Stage):
    stage.gateway.then(Answer(calls=(call("files__delete_fil", {}),)), Answer("vaya"))
    result = await stage.ask("xyzzy")
    (outcome,) = outcomes(result)
    assert outcome.is_error
    assert "files__delete_file" in outcome.result
    assert "search_tools" in outcome.result
    assert len(outcome.result) < 500


async def test_what_the_conversation_has_used_stays(stage: Stage):
    stage.gateway.then(Answer(calls=(call("files__delete_file", {"text": "a"}),)), Answer("hecho"), Answer("otra vez"))
    await stage.ask("borra el archivo a", thread="t1")
    await stage.ask("y ahora b", thread="t1")
    assert "files__delete_file" in stage.offered()
    stage.gateway.then(Answer("hola"))
    await stage.ask("y ahora b", thread="t2")
    assert "files__delete_file" not in stage.offered()


async def test_a_conversation_that_has_searched_a_lot_is_bounded(stage: Stage):
    words = ["cliente", "factura", "reunión", "mensaje", "file", "image", "song", "payment"]
    stage.gateway.then(
        *(Answer(calls=(call("search_tools", {"query": word, "limit": 50}, id=word),)) for word in words),
        Answer("vale"),
    )
    await stage.ask("busca de todo")
    assert max(len(stage.offered(visit)) for visit in range(len(stage.gateway.requests))) == 30
    assert stage.offered()[0] == "search_tools"
    assert "bank__update_payment" in stage.offered()  # the latest search comes first


def search_tools(
    query: Annotated[str, Field(description="What.")], limit: Annotated[int, Field(description="Most.")] = 8
) -> str:
    """Search, and fail."""
    if query.startswith("odd"):
        return '{"not": "a list"'
    raise ToolFailedError("the index is being made")


@pytest.mark.parametrize("question", ["suma 10 y 5", "odd answer"])
async def test_a_search_that_fails_leaves_the_model_to_search(question: str):
    broken = from_function(search_tools, Hints())
    async with staged(broken, *many_tools(), toolbox={"TOOL_SEARCH_THRESHOLD": "1000"}) as stage:
        stage.gateway.then(Answer("vale"))
        assert (await stage.ask(question)).result == "vale"
        assert stage.offered() == ["search_tools"]


async def test_a_toolbox_without_a_search_offers_all_it_has():
    async with staged(*many_tools(), toolbox={"TOOL_SEARCH_THRESHOLD": "1000"}) as stage:
        stage.gateway.then(Answer("vale"))
        await stage.ask("suma 10 y 5")
        assert len(stage.offered()) == 204


@pytest.mark.parametrize("question", ["¿?", "x" * 30_000, "👋"])
async def test_any_question_is_taken(stage: Stage, question: Any):
    stage.gateway.then(Answer("vale"))
    assert (await stage.ask(question)).result == "vale"
